import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { TenonError } from '../model/errors.ts';

/** Encrypts what must be kept and not be seen. The default is a key file; a KMS or a Vault are other drivers. */
export interface Secrets {
  /** `aad` names the row that it is for, such as a connection's id: only with the same text can it be opened again. */
  seal(text: string, aad: string): Uint8Array;
  /** Throws BAD_CONFIG when it was sealed with another key, DATA_UNREADABLE when it was changed or belongs to another row. */
  unseal(sealed: Uint8Array, aad: string): string;
}

const KEY_BYTES = 32;
const FORMAT = 1;
/** Format, fingerprint of the key, nonce, tag; then the ciphertext. */
const FINGERPRINT_AT = 1;
const NONCE_AT = 5;
const TAG_AT = 17;
const TEXT_AT = 33;

/**
 * Opens the secret store. `key` is 32 bytes in base64 (TENON_SECRET_KEY); `keyFile` holds the same, and is made with the
 * mode 0600 when it is not there. Losing the key loses the secrets, and nothing else: they are entered again.
 */
export function openSecrets(source: { readonly key: string } | { readonly keyFile: string }): Secrets {
  const key = 'key' in source ? readKey(source.key, 'TENON_SECRET_KEY') : openKeyFile(source.keyFile);
  const fingerprint = createHash('sha256')
    .update('tenon secret key')
    .update(key)
    .digest()
    .subarray(0, NONCE_AT - FINGERPRINT_AT);
  return {
    seal: (text, aad) => seal(key, fingerprint, text, aad),
    unseal: (sealed, aad) => unseal(key, fingerprint, sealed, aad),
  };
}

function seal(key: Buffer, fingerprint: Buffer, text: string, aad: string): Uint8Array {
  const nonce = randomBytes(TAG_AT - NONCE_AT);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const head = Buffer.concat([Buffer.from([FORMAT]), fingerprint]);
  cipher.setAAD(Buffer.concat([head, Buffer.from(aad)]));
  const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([head, nonce, cipher.getAuthTag(), encrypted]);
}

function unseal(key: Buffer, fingerprint: Buffer, sealed: Uint8Array, aad: string): string {
  const bytes = Buffer.from(sealed);
  if (bytes.length < TEXT_AT || bytes[0] !== FORMAT) throw unreadable();
  const head = bytes.subarray(0, NONCE_AT);
  if (!head.subarray(FINGERPRINT_AT).equals(fingerprint)) {
    throw new TenonError(
      'BAD_CONFIG',
      'This secret was encrypted with another key. Put the former secret-key file (or TENON_SECRET_KEY) back, or enter the secret again.',
    );
  }
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(NONCE_AT, TAG_AT), { authTagLength: TEXT_AT - TAG_AT });
  decipher.setAAD(Buffer.concat([head, Buffer.from(aad)]));
  decipher.setAuthTag(bytes.subarray(TAG_AT, TEXT_AT));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(TEXT_AT)), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause?: unknown): TenonError {
  return new TenonError(
    'DATA_UNREADABLE',
    'This secret was changed, or moved here from another row. Enter it again.',
    {},
    { cause },
  );
}

function openKeyFile(file: string): Buffer {
  try {
    return readKeyFile(file) ?? makeKeyFile(file);
  } catch (cause) {
    if (cause instanceof TenonError) throw cause;
    throw new TenonError(
      'DATA_DIRECTORY',
      `The key file ${file} can be neither read nor made: ${codeOf(cause)}.`,
      { file },
      { cause },
    );
  }
}

function readKeyFile(file: string): Buffer | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    if ((statSync(file).mode & 0o007) !== 0) {
      throw new TenonError('DATA_DIRECTORY', `Everybody on this machine may read or change ${file}. Run: chmod 600 ${file}`, {
        file,
      });
    }
    return readKey(text, file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written aside, then linked into place: a file that is there is whole, and of two first starts at once one wins. */
function makeKeyFile(file: string): Buffer {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    fsyncSync(handle);
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    closeSync(handle);
    rmSync(draft, { force: true });
  }
  const key = readKeyFile(file);
  if (key === undefined) throw new TenonError('DATA_DIRECTORY', `The key file ${file} vanished while it was made.`, { file });
  return key;
}

function readKey(text: string, from: string): Buffer {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64').replaceAll('=', '') !== trimmed.replaceAll('=', '')) {
    throw new TenonError('BAD_CONFIG', `${from} must hold ${KEY_BYTES} bytes in base64 (as from: openssl rand -base64 32).`, {
      from,
    });
  }
  return key;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

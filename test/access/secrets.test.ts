import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSecrets } from '../../src/access/secrets.ts';

describe('openSecrets', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'tenon-secrets-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));
  const key = (): string => randomBytes(32).toString('base64');

  it('opens what it sealed, whatever it is', () => {
    const secrets = openSecrets({ key: key() });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, aad) => {
        const sealed = secrets.seal(text, aad);
        return secrets.unseal(sealed, aad) === Buffer.from(text, 'utf8').toString('utf8');
      }),
    );
  });

  it('never seals the same text to the same bytes, and shows nothing of it', () => {
    const secrets = openSecrets({ key: key() });
    const [a, b] = [secrets.seal('hunter2', 'c1'), secrets.seal('hunter2', 'c1')];
    expect(a).not.toEqual(b);
    expect(Buffer.from(a).toString('latin1')).not.toContain('hunter2');
  });

  it('refuses a secret that was moved to another row', () => {
    const secrets = openSecrets({ key: key() });
    const sealed = secrets.seal('hunter2', 'connection-1');
    expect(() => secrets.unseal(sealed, 'connection-2')).toThrow(expect.objectContaining({ code: 'DATA_UNREADABLE' }));
  });

  it('refuses a secret of which any one bit was changed, or that was cut', () => {
    const secrets = openSecrets({ key: key() });
    const sealed = secrets.seal('hunter2', 'c1');
    for (let i = 0; i < sealed.length * 8; i++) {
      const changed = Uint8Array.from(sealed);
      changed[i >> 3] = (changed[i >> 3] ?? 0) ^ (1 << (i & 7));
      expect(() => secrets.unseal(changed, 'c1')).toThrow(/changed|another key/);
    }
    for (let length = 0; length < sealed.length; length++) expect(() => secrets.unseal(sealed.slice(0, length), 'c1')).toThrow();
  });

  it('says so when the key is another one', () => {
    const sealed = openSecrets({ key: key() }).seal('hunter2', 'c1');
    expect(() => openSecrets({ key: key() }).unseal(sealed, 'c1')).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', message: expect.stringContaining('another key') }),
    );
  });

  it('makes the key file once, for its owner only, and leaves nothing else', () => {
    const keyFile = join(dir, 'secret-key');
    const sealed = openSecrets({ keyFile }).seal('hunter2', 'c1');
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const made = readFileSync(keyFile, 'utf8');
    expect(openSecrets({ keyFile }).unseal(sealed, 'c1')).toBe('hunter2');
    expect(readFileSync(keyFile, 'utf8')).toBe(made);
    expect(readdirSync(dir)).toEqual(['secret-key']);
    expect(openSecrets({ key: made }).unseal(sealed, 'c1')).toBe('hunter2');
  });

  it('refuses a key file that everybody may read, and a folder that is not there', () => {
    const keyFile = join(dir, 'open-key');
    writeFileSync(keyFile, key());
    chmodSync(keyFile, 0o644);
    expect(() => openSecrets({ keyFile })).toThrow(expect.objectContaining({ code: 'DATA_DIRECTORY' }));
    expect(() => openSecrets({ keyFile: join(dir, 'missing', 'key') })).toThrow(
      expect.objectContaining({ code: 'DATA_DIRECTORY' }),
    );
  });

  it.each([
    '',
    'short',
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('base64'),
    `${'!'.repeat(8)}${randomBytes(32).toString('base64')}`,
  ])('refuses the key «%s», without repeating it', (bad) => {
    try {
      openSecrets({ key: bad });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'BAD_CONFIG', message: expect.stringContaining('openssl rand -base64 32') });
      if (bad !== '') expect(String(error)).not.toContain(bad);
    }
  });
});

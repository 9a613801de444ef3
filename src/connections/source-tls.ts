import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { TenonError } from '../model/errors.ts';
import type { PostgresOptions } from './connections.ts';

const MAX_CERTIFICATES_BYTES = 1_048_576;

/** How far a server has to prove who it is. `verify-full` wants a certificate for that very host, of a known authority. */
export interface SourceTls {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
}

export function sourceTls({ sslmode, sslrootcert }: PostgresOptions): SourceTls {
  if (sslmode !== 'verify-full') return { rejectUnauthorized: false };
  return { rejectUnauthorized: true, ...(sslrootcert !== undefined && { ca: readCertificates(sslrootcert) }) };
}

/** Of the file itself nothing is ever shown: a connection may name any file of the server. */
function readCertificates(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const stat = fstatSync(file);
      if (!stat.isFile() || stat.size > MAX_CERTIFICATES_BYTES) throw new Error('too large, or no file');
      const text = readFileSync(file, 'utf8');
      if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no certificate in it');
      return text;
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new TenonError('BAD_INPUT', `sslrootcert: «${path.slice(0, 300)}» is no file with certificates in PEM.`, {}, { cause });
  }
}

import { TenonError } from '../model/errors.ts';
import { SSL_MODES, type PostgresOptions, type SslMode } from './connections.ts';

/** The kind of connection that a URL of a database is for. */
export function databaseKindOf({ protocol }: URL): 'postgres' | 'mysql' | undefined {
  if (/^(postgres(ql)?|redshift):$/.test(protocol)) return 'postgres';
  return /^(mysql|mariadb):$/.test(protocol) ? 'mysql' : undefined;
}

/**
 * Takes `postgres://user:password@host:5432/database?sslmode=require` apart, the password beside the rest, so that the
 * rest may be stored and shown; `mysql://` the same. Throws BAD_INPUT, whose message never repeats the URL.
 */
export function parseDatabaseUrl(url: URL): { options: PostgresOptions; secret?: string } {
  const host = url.searchParams.get('host') ?? decode(url.hostname.replace(/^\[|\]$/g, ''));
  const database = decode(url.pathname.slice(1));
  const user = url.searchParams.get('user') ?? decode(url.username);
  const port = url.port === '' ? url.searchParams.get('port') : url.port;
  const secret = url.searchParams.get('password') ?? decode(url.password);
  const sslmode = url.searchParams.get('sslmode');
  const sslrootcert = url.searchParams.get('sslrootcert');
  const options: PostgresOptions = {
    ...(host !== '' && { host }),
    ...(port === null ? url.protocol === 'redshift:' && { port: 5439 } : { port: Number(port) }),
    ...(database !== '' && { database }),
    ...(user !== '' && { user }),
    ...(sslmode !== null && { sslmode: readSslMode(sslmode) }),
    ...(sslrootcert !== null && { sslrootcert }),
  };
  return { options, ...(secret !== '' && { secret }) };
}

function readSslMode(text: string): SslMode {
  const mode = SSL_MODES.find((known) => known === text);
  if (mode === undefined) throw new TenonError('BAD_INPUT', `The sslmode must be one of ${SSL_MODES.join(', ')}.`);
  return mode;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TenonError('BAD_INPUT', 'A part of the database’s URL is not percent-encoded as it should be.');
  }
}

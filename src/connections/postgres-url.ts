import { TenonError } from '../model/errors.ts';
import { SSL_MODES, type PostgresOptions, type SslMode } from './connections.ts';

/**
 * Takes `postgres://user:password@host:5432/database?sslmode=require` apart, the password beside the rest, so that the
 * rest may be stored and shown. Throws BAD_INPUT, whose message never repeats the URL.
 */
export function parsePostgresUrl(url: URL): { options: PostgresOptions; secret?: string } {
  const host = url.searchParams.get('host') ?? decode(url.hostname.replace(/^\[|\]$/g, ''));
  const database = decode(url.pathname.slice(1));
  const user = url.searchParams.get('user') ?? decode(url.username);
  const port = url.port === '' ? url.searchParams.get('port') : url.port;
  const secret = url.searchParams.get('password') ?? decode(url.password);
  const sslmode = url.searchParams.get('sslmode');
  const options: PostgresOptions = {
    ...(host !== '' && { host }),
    ...(port !== null && { port: Number(port) }),
    ...(database !== '' && { database }),
    ...(user !== '' && { user }),
    ...(sslmode !== null && { sslmode: readSslMode(sslmode) }),
  };
  return { options, ...(secret !== '' && { secret }) };
}

/** `postgres://host:5432/database`, for locations and messages: no user, no password. */
export function postgresAddress(options: PostgresOptions): string {
  const host = options.host ?? process.env.PGHOST ?? 'localhost';
  const port = options.port ?? (process.env.PGPORT || 5432);
  const database = options.database ?? process.env.PGDATABASE ?? options.user ?? process.env.PGUSER ?? 'postgres';
  const written = host.includes(':') ? `[${host}]` : encodeURIComponent(host);
  return `postgres://${written}:${port}/${encodeURIComponent(database)}`;
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
    throw new TenonError('BAD_INPUT', 'A part of the Postgres URL is not percent-encoded as it should be.');
  }
}

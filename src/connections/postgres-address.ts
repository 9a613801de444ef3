import type { PostgresOptions } from './connections.ts';

/** `postgres://host:5432/database`, for locations and messages: no user, no password. */
export function postgresAddress(options: PostgresOptions): string {
  const host = options.host ?? process.env.PGHOST ?? 'localhost';
  const port = options.port ?? (process.env.PGPORT || 5432);
  const database = options.database ?? process.env.PGDATABASE ?? options.user ?? process.env.PGUSER ?? 'postgres';
  const written = host.includes(':') ? `[${host}]` : encodeURIComponent(host);
  return `postgres://${written}:${port}/${encodeURIComponent(database)}`;
}

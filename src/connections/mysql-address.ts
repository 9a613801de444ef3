import type { MysqlOptions } from './connections.ts';

/** `mysql://host:3306/database`, or without a database for all of a server; for locations and messages: no user, no password. */
export function mysqlAddress({ host = 'localhost', port = 3306, database }: MysqlOptions): string {
  const written = host.includes(':') ? `[${host}]` : encodeURIComponent(host);
  return `mysql://${written}:${port}${database === undefined ? '' : `/${encodeURIComponent(database)}`}`;
}

import type { PostgresOptions } from '../src/connections/connections.ts';
import type { Filter } from './postgres-catalog.ts';

export interface PostgresCrawl extends Omit<PostgresOptions, 'statementTimeoutMs'> {
  readonly schemas: Filter;
  readonly tables: Filter;
}

export function tableScope({ host, port, database, schemas, tables }: PostgresCrawl): string {
  const filters = [...signed('schema', schemas), ...signed('table', tables)];
  return [`postgres://${host ?? ''}:${port ?? ''}/${database ?? ''}`, ...filters].join(' ');
}

function signed(what: string, { include, exclude }: Filter): string[] {
  return [
    ...include.toSorted().map((pattern) => `+${what}:${pattern}`),
    ...exclude.toSorted().map((pattern) => `-${what}:${pattern}`),
  ];
}

/** `postgres://host:5432/db/schema/table`. Taken apart by hand: a URL parser would swallow a schema that is named `..`. */
export function tableLocation(address: string, schema: string, table: string): string {
  return `${address}/${encodeURIComponent(schema)}/${encodeURIComponent(table)}`;
}

/** What the definition leaves to its connection (the host, say) is not compared. */
export function coversTable({ host, port, database, schemas, tables }: PostgresCrawl, location: string): boolean {
  const [, server = '', at = '', ...names] = /^postgres:\/\/(.*?):(\d+)\/([^/]*)\/([^/]*)\/([^/]*)$/.exec(location) ?? [];
  const [db = '', schema = '', name = ''] = names.map(decodeURIComponent);
  if (name === '' || (host ?? decodeHost(server)) !== decodeHost(server) || (port ?? Number(at)) !== Number(at)) return false;
  return (database ?? db) === db && passes(schemas, schema) && passes(tables, name);
}

function decodeHost(host: string): string {
  return decodeURIComponent(host.replace(/^\[(.*)\]$/, '$1'));
}

function passes({ include, exclude }: Filter, name: string): boolean {
  const included = include.length === 0 || include.some((pattern) => isLike(pattern, name));
  return included && !exclude.some((pattern) => isLike(pattern, name));
}

/** As `like` with `%` as the only wildcard. */
function isLike(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('%');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

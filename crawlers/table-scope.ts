import type { PostgresOptions } from '../src/connections/connections.ts';
import { compileRules, type TableRules } from './table-paths.ts';

/** What a crawler of databases looks at. */
export type TableCrawl = Omit<PostgresOptions, 'statementTimeoutMs'> & TableRules;

/** The same text for the same definition in any order, and for one from before there were paths. */
export function tableScope(scheme: string, { host, port, database, schemas, tables, include, exclude }: TableCrawl): string {
  const signed = (sign: string, patterns: readonly string[]) => patterns.toSorted().map((pattern) => `${sign}${pattern}`);
  return [
    `${scheme}://${host ?? ''}:${port ?? ''}/${database ?? ''}`,
    ...signed('+schema:', schemas.include),
    ...signed('-schema:', schemas.exclude),
    ...signed('+table:', tables.include),
    ...signed('-table:', tables.exclude),
    ...signed('+', include),
    ...signed('-', exclude),
  ].join(' ');
}

/** `postgres://host:5432/db/schema/table`. Taken apart by hand: a URL parser would swallow a schema that is named `..`. */
export function tableLocation(address: string, ...names: readonly string[]): string {
  return [address, ...names.map(encodeURIComponent)].join('/');
}

/** What the definition leaves to its connection (the host, say) is not compared. */
export function coversTable(scheme: string, levels: 2 | 3, crawl: TableCrawl, location: string): boolean {
  const { host, port, database } = crawl;
  const [, from, server = '', at = '', rest = ''] = /^([a-z]+):\/\/(.*?):(\d+)\/(.*)$/.exec(location) ?? [];
  const names = rest.split('/').map(decodeURIComponent);
  if (from !== scheme || names.length !== levels || names.includes('')) return false;
  if ((host ?? decodeHost(server)) !== decodeHost(server) || (port ?? Number(at)) !== Number(at)) return false;
  return (database ?? names[0]) === names[0] && compileRules(crawl)(names);
}

function decodeHost(host: string): string {
  return decodeURIComponent(host.replace(/^\[(.*)\]$/, '$1'));
}

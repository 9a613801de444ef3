import { z } from 'zod';
import { passes as passesFilter } from './like.ts';

const PATTERNS = z.array(z.string().min(1).max(255)).max(200).default([]);

export const SHAPE = z.strictObject({
  region: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,40}$/, 'is no region')
    .optional(),
  /** Names; `%` and `*` stand for anything. */
  tables: z.strictObject({ include: PATTERNS, exclude: PATTERNS }).default({ include: [], exclude: [] }),
  /** Read every item instead of a sample. */
  scanAll: z.boolean().default(false),
  /** The share of a table's read capacity that may be used, as Glue has it. Left out: half of what is provisioned, a quarter of what is on demand. */
  scanRate: z.number().min(0.1).max(1.5).optional(),
  /** Read units a second, whatever the table has. */
  readUnits: z.number().min(0.5).max(100_000).optional(),
  /** Read units in all, for each table and crawl. */
  capacityUnits: z.number().min(0.5).max(1_000_000_000).default(5_000),
  /** A sample ends after so many items without anything new. */
  patience: z.int().min(10).max(1_000_000).default(20_000),
});

export type DynamodbCrawl = z.output<typeof SHAPE>;

export function tableScope({ region, tables }: DynamodbCrawl): string {
  const filters = [
    ...tables.include.toSorted().map((pattern) => `+table:${pattern}`),
    ...tables.exclude.toSorted().map((pattern) => `-table:${pattern}`),
  ];
  return [`dynamodb://${region ?? ''}`, ...filters].join(' ');
}

/**
 * `dynamodb://eu-west-1/123456789012/orders` with the account, or `dynamodb://127.0.0.1:8000/eu-west-1/orders` for another
 * endpoint than AWS's own: so tables of one account are not taken for those that another has lost.
 */
export function tableLocation(host: string | undefined, region: string, arn: string | undefined, table: string): string {
  const account = /^arn:[^:]*:dynamodb:[^:]*:(\d+):/.exec(arn ?? '')?.[1] ?? '0';
  return host === undefined ? `dynamodb://${region}/${account}/${table}` : `dynamodb://${host}/${region}/${table}`;
}

export function coversTable({ region, tables }: DynamodbCrawl, location: string): boolean {
  const [, first = '', second = '', name = ''] = /^dynamodb:\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(location) ?? [];
  if (name === '') return false;
  const where = /^\d+$/.test(second) ? first : second;
  return (region ?? where) === where && passes(tables, name);
}

export function passes({ include, exclude }: DynamodbCrawl['tables'], name: string): boolean {
  return passesFilter({ include: include.map(withPercent), exclude: exclude.map(withPercent) }, name);
}

/** `*` is what those write who come from AWS. */
function withPercent(pattern: string): string {
  return pattern.replaceAll('*', '%');
}

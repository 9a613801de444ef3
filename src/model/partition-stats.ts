import { foldName } from './names.ts';
import { orderedKey } from './ordered-value.ts';
import type { ColumnType } from './types.ts';

/** What the footers of all files of a partition say about a column. Left out is what one of them does not say exactly. */
interface ColumnStats {
  /** The least value, written as its type is: `12.50`, `2026-01-31`, `2026-01-31 12:00:00.5`. Nulls and NaN do not count. */
  readonly min?: string;
  readonly max?: string;
  readonly nulls?: number;
}

/** By the folded name of the column. Only of columns that hold simple values, not of those inside of them. */
export type PartitionStats = Readonly<Record<string, ColumnStats>>;

/** What one file, or a part of it, says about one column. */
export interface ColumnFacts extends ColumnStats {
  readonly name: string;
  readonly type: ColumnType;
  /** It has no values but null, so that there is no least and no greatest one. */
  readonly empty?: boolean;
}

/** Of wider files the first columns are told. */
export const MAX_STATS_COLUMNS = 200;
/** A longer text is not kept: its beginning alone would be another value. */
export const MAX_STATS_CHARS = 128;

/** What the files of a partition say together. Undefined: nothing. */
export function mergeStats(files: readonly (readonly ColumnFacts[])[]): PartitionStats | undefined {
  const [first, ...others] = files;
  if (first === undefined) return undefined;
  const facts = others.reduce(mergeFacts, unambiguous(first));
  const entries = facts.flatMap(({ name, min, max, nulls }): [string, ColumnStats][] => {
    if (min === undefined && max === undefined && nulls === undefined) return [];
    // Mostly all three are told, and objects that are put together from parts take five times as much memory.
    if (min !== undefined && max !== undefined && nulls !== undefined) return [[name, { min, max, nulls }]];
    return [
      [name, { ...(min !== undefined && { min }), ...(max !== undefined && { max }), ...(nulls !== undefined && { nulls }) }],
    ];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** What two parts of the same rows say together: of columns that both tell of. */
export function mergeFacts(some: readonly ColumnFacts[], more: readonly ColumnFacts[]): ColumnFacts[] {
  const byName = new Map(unambiguous(more).map((facts) => [facts.name, facts]));
  return some.flatMap((facts) => {
    const other = byName.get(facts.name);
    return other === undefined ? [] : [merge(facts, other)];
  });
}

/** With folded names. Of columns that are one in the catalog and several in the file, none is told. */
function unambiguous(facts: readonly ColumnFacts[]): ColumnFacts[] {
  const counts = new Map<string, number>();
  for (const { name } of facts) counts.set(foldName(name), (counts.get(foldName(name)) ?? 0) + 1);
  return facts.flatMap((one) => (counts.get(foldName(one.name)) === 1 ? [{ ...one, name: foldName(one.name) }] : []));
}

function merge(a: ColumnFacts, b: ColumnFacts): ColumnFacts {
  const nulls = a.nulls === undefined || b.nulls === undefined ? {} : { nulls: a.nulls + b.nulls };
  const { name } = a;
  if (a.empty === true || b.empty === true) {
    const { nulls: _nulls, ...values } = a.empty === true ? b : a;
    return { ...values, name, ...nulls };
  }
  const type = commonType(a.type, b.type);
  if (type === undefined) return { name, type: a.type, ...nulls };
  const min = pick(a.min, b.min, type, -1);
  const max = pick(a.max, b.max, type, 1);
  return { name, type, ...(min !== undefined && { min }), ...(max !== undefined && { max }), ...nulls };
}

/** A type under which the values of both compare. Undefined: they do not. */
function commonType(a: ColumnType, b: ColumnType): ColumnType | undefined {
  if (a.kind === b.kind) return a;
  const both = [a, b];
  if (both.every(({ kind }) => NUMBERS.has(kind))) return both.find(({ kind }) => kind === 'decimal') ?? a;
  return both.every(({ kind }) => kind === 'float' || kind === 'double') ? { kind: 'double' } : undefined;
}

const NUMBERS: ReadonlySet<string> = new Set(['tinyint', 'smallint', 'int', 'bigint', 'decimal']);

function pick(a: string | undefined, b: string | undefined, type: ColumnType, sign: 1 | -1): string | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a === b || compare(orderOf(a, type), orderOf(b, type)) === sign ? a : b;
}

/** Texts of these types sort as they are written here: all in one width up to the fraction, instants in UTC. */
function orderOf(text: string, type: ColumnType): string {
  switch (type.kind) {
    case 'string':
    case 'boolean':
    case 'date':
    case 'timestamp':
      return text;
    case 'timestamptz':
      return text.slice(0, -1);
    default:
      return orderedKey(text, type);
  }
}

/** By code points, which is the order of UTF-8; it differs from JavaScript's where there are surrogate pairs. */
function compare(a: string, b: string): number {
  if (/[\ud800-\udfff]/.test(a) || /[\ud800-\udfff]/.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { partitionText } from '../model/partition-key.ts';
import type { Partition, Table } from '../model/table.ts';

/** What seems to be gone and is not removed before somebody says so. */
export interface Missing {
  readonly tables: readonly Table[];
  readonly partitions: readonly { readonly table: Table; readonly absent: readonly Partition[] }[];
}

/** The same as a removal keeps it: sums and a part to be shown, and all of it packed. */
export interface RemovalContent {
  readonly tables: number;
  readonly partitions: number;
  readonly shown: {
    readonly tables: readonly string[];
    readonly partitions: readonly { readonly table: string; readonly partition: string }[];
  };
  /** The same for the same tables and partitions. */
  readonly fingerprint: string;
  readonly packed: string;
}

/** What is to be removed, by ids: a partition that changes gets another one. */
export interface RemovalItems {
  readonly tables: readonly string[];
  readonly partitions: readonly { readonly table: string; readonly ids: readonly bigint[] }[];
}

const SHOWN = 1_000;

export function contentOf({ tables, partitions }: Missing): RemovalContent {
  const items = {
    tables: tables.map(({ id }) => id).toSorted(),
    partitions: partitions
      .map(({ table, absent }) => [table.id, differences(absent.map(({ id }) => id))] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  };
  const text = JSON.stringify(items);
  return {
    tables: tables.length,
    partitions: partitions.reduce((sum, { absent }) => sum + absent.length, 0),
    shown: { tables: tables.slice(0, SHOWN).map(nameOf), partitions: shownPartitions(partitions) },
    fingerprint: createHash('sha256').update(text).digest('hex').slice(0, 32),
    packed: deflateRawSync(text).toString('base64'),
  };
}

export function itemsOf({ packed }: Pick<RemovalContent, 'packed'>): RemovalItems {
  const { tables, partitions } = JSON.parse(inflateRawSync(Buffer.from(packed, 'base64')).toString()) as {
    tables: string[];
    partitions: [string, string[]][];
  };
  return { tables, partitions: partitions.map(([table, steps]) => ({ table, ids: sums(steps) })) };
}

function shownPartitions(partitions: Missing['partitions']): RemovalContent['shown']['partitions'] {
  const shown: { table: string; partition: string }[] = [];
  for (const { table, absent } of partitions) {
    for (const { values } of absent.slice(0, SHOWN - shown.length))
      shown.push({ table: nameOf(table), partition: partitionText(table.schema.partitionKeys, values) });
  }
  return shown;
}

function nameOf({ database, name }: Table): string {
  return `${database}.${name}`;
}

/** From one id to the next: mostly 1, and then a million of them pack into little. */
function differences(ids: readonly bigint[]): string[] {
  let before = 0n;
  return ids
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((id) => {
      const step = id - before;
      before = id;
      return String(step);
    });
}

function sums(steps: readonly string[]): bigint[] {
  let at = 0n;
  return steps.map((step) => (at += BigInt(step)));
}

import DataLoader from 'dataloader';
import { findSchemas } from '../src/catalog/deviations.ts';
import { findDatabases, findTables, findVersions, totalsOfTables } from '../src/catalog/batch.ts';
import type { PartitionTotals } from '../src/catalog/partitions.ts';
import type { Position } from '../src/model/change.ts';
import type { Principal } from '../src/model/principal.ts';
import type { Schema } from '../src/model/schema.ts';
import type { Database, Table, Version } from '../src/model/table.ts';
import type { Tenon } from '../src/tenon.ts';
import { lastRuns } from '../src/work/list.ts';
import type { Run } from '../src/work/run.ts';

/** A key with the position at which to look; both together say what is loaded. */
interface At<Key> {
  readonly key: Key;
  readonly asOf: Position | undefined;
}

/** One request's reads: what many items of a list lead to comes in one statement, and the same thing only once. */
export interface Loaders {
  readonly database: DataLoader<At<string>, Database | undefined, string>;
  readonly table: DataLoader<At<string>, Table | undefined, string>;
  readonly version: DataLoader<Pick<Version, 'tableId' | 'number'>, Version | undefined, string>;
  /** By hash: the columns of partitions. */
  readonly schema: DataLoader<string, Schema | undefined>;
  readonly totals: DataLoader<At<string>, PartitionTotals, string>;
  /** By the crawler's name. */
  readonly lastCrawl: DataLoader<string, Run | undefined>;
}

const NOTHING: PartitionTotals = { partitions: 0, rows: 0n, bytes: 0n, files: 0 };

export function createLoaders({ ground: { db } }: Pick<Tenon, 'ground'>, as: Principal): Loaders {
  const textOf = ({ key, asOf }: At<string>): string => `${asOf ?? ''} ${key}`;
  return {
    database: new DataLoader(
      byPosition(async (names, asOf) => {
        const found = new Map((await findDatabases(db, as, { names }, { asOf })).map((database) => [database.name, database]));
        return names.map((name) => found.get(name));
      }),
      { cacheKeyFn: textOf },
    ),
    table: new DataLoader(
      byPosition(async (ids, asOf) => {
        const found = new Map((await findTables(db, as, ids, { asOf })).map((table) => [table.id, table]));
        return ids.map((id) => found.get(id));
      }),
      { cacheKeyFn: textOf },
    ),
    version: new DataLoader(
      async (keys) => {
        const found = new Map((await findVersions(db, as, keys)).map((version) => [versionKey(version), version]));
        return keys.map((key) => found.get(versionKey(key)));
      },
      { cacheKeyFn: versionKey },
    ),
    schema: new DataLoader(async (hashes) => {
      const found = await findSchemas(db, hashes);
      return hashes.map((hash) => found.get(hash));
    }),
    totals: new DataLoader(
      byPosition(async (ids, asOf) => {
        const found = await totalsOfTables(db, as, ids, asOf);
        return ids.map((id) => found.get(id) ?? NOTHING);
      }),
      { cacheKeyFn: textOf },
    ),
    lastCrawl: new DataLoader(async (names) => {
      const found = new Map((await lastRuns(db, as, 'crawl', names)).map((run) => [run.name, run]));
      return names.map((name) => found.get(name));
    }),
  };
}

function versionKey({ tableId, number }: Pick<Version, 'tableId' | 'number'>): string {
  return `${tableId} ${number}`;
}

/** Nearly always one position, so nearly always one statement. */
function byPosition<Key, Value>(load: (keys: readonly Key[], asOf: Position | undefined) => Promise<readonly Value[]>) {
  return async (wanted: readonly At<Key>[]): Promise<Value[]> => {
    const groups = new Map<Position | undefined, number[]>();
    for (const [index, { asOf }] of wanted.entries()) groups.set(asOf, [...(groups.get(asOf) ?? []), index]);
    const values: Value[] = [];
    for (const [asOf, indexes] of groups) {
      const found = await load(
        indexes.flatMap((index) => wanted[index]?.key ?? []),
        asOf,
      );
      for (const [place, index] of indexes.entries()) values[index] = found[place] as Value;
    }
    return values;
  };
}

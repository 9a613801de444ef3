import { createHash } from 'node:crypto';
import { findTable, listTables, tablesOf } from '../catalog/tables.ts';
import { heldPartitions } from '../catalog/held-partitions.ts';
import { estimatesOf, type Estimate } from '../catalog/estimates.ts';
import { findManifest, keepManifests } from '../catalog/manifests.ts';
import { findPartitions, keyValues, partitionGroups, type PartitionGroup } from '../catalog/partition-groups.ts';
import { partitionLocations } from '../catalog/partition-reads.ts';
import { findSchema } from '../catalog/versions.ts';
import type { Db } from '../db/db.ts';
import type { Principal } from '../model/principal.ts';
import type { Column } from '../model/schema.ts';
import type { ManifestFile, PackedManifest, Partition, Table } from '../model/table.ts';
import type { PreviousTable } from './crawler.ts';

/** The parameter that says which files of a folder a table is made of, where it is not all: `part-#.csv`. */
export const LAYOUT = 'layout';

/** What makes a table the same one in the next crawl, whatever it is named: its folder, its keys, and its layout. */
export function identityOf(folder: string, keys: readonly string[], layout: string | undefined): string {
  return JSON.stringify([folder, keys, layout ?? null]);
}

function identityOfTable(table: Table): string {
  const layout = table.parameters[LAYOUT];
  const location = table.location ?? '';
  const folder = layout !== undefined && !location.endsWith('/') ? location.slice(0, location.lastIndexOf('/') + 1) : location;
  return identityOf(
    folder,
    table.schema.partitionKeys.map(({ name }) => name),
    layout,
  );
}

/** What the catalog knows of a crawler's tables, read once when a crawl starts and kept up as it goes. */
export class Known {
  /** By identity. */
  readonly tables = new Map<string, Table>();
  /** The tables that this crawl has met: where they are, by their ids. */
  readonly seen = new Map<string, string>();
  /** Ids of the tables that this attempt has counted as added, changed or removed. */
  counted = new Set<string>();
  private estimated: Promise<ReadonlyMap<string, Estimate>> | undefined;
  private readonly names = new Set<string>();
  private readonly schemas = new Map<string, readonly Column[]>();
  private readonly db: Db;
  private readonly as: Principal;
  private readonly owner: string;
  private readonly database: string;

  constructor(db: Db, as: Principal, owner: string, database: string) {
    this.db = db;
    this.as = as;
    this.owner = owner;
    this.database = database;
  }

  see({ id, location }: Table): void {
    this.seen.set(id, location ?? '');
  }

  async load(): Promise<void> {
    for await (const table of tablesOf(this.db, this.owner, this.database)) {
      this.tables.set(identityOfTable(table), table);
      this.names.add(table.name);
    }
  }

  /**
   * A name that no other table of the database has, and that stays the same in the next crawl: the wanted one, or with a
   * few characters of a hash of the identity behind it.
   */
  async nameFor(identity: string, wanted: string): Promise<string> {
    const hash = createHash('sha256').update(identity).digest('hex');
    for (let length = 0; ; length += 8) {
      const name = length === 0 ? wanted : `${wanted.slice(0, 119)}_${hash.slice(0, length)}`;
      const taken = this.names.has(name) || (await findTable(this.db, this.as, { database: this.database, name })) !== undefined;
      if (taken) continue;
      this.names.add(name);
      return name;
    }
  }

  /** What is recorded of a table that its source declares. */
  previous(location: string): PreviousTable | undefined {
    const table = this.tables.get(identityOf(location, [], undefined));
    return table === undefined ? undefined : { columns: table.schema.columns, details: table.details };
  }

  /** Of tables that a source declares, by their ids; read when the first of them is met. */
  estimates(): Promise<ReadonlyMap<string, Estimate>> {
    return (this.estimated ??= estimatesOf(this.db, this.owner));
  }

  /** By location. Without their statistics: the catalog itself keeps those of unchanged files. */
  async partitionsOf(table: Table): Promise<Map<string, Partition>> {
    const found = new Map<string, Partition>();
    for await (const partitions of heldPartitions(this.db, this.as, table)) {
      for (const partition of partitions) found.set(partition.location, partition);
    }
    return found;
  }

  locationsOf(table: Table): AsyncIterable<string> {
    return partitionLocations(this.db, this.as, table);
  }

  /** Only those that have these values. */
  partitionsWith(table: Table, values: readonly (readonly (string | null)[])[]): Promise<Partition[]> {
    return findPartitions(this.db, this.as, table, values);
  }

  /** What all but some of them are like. */
  groupsOf(table: Table, except: readonly bigint[]): Promise<PartitionGroup[]> {
    return partitionGroups(this.db, this.as, table, except);
  }

  keyValues(table: Table, level: number, except: readonly bigint[]): Promise<(string | null)[]> {
    return keyValues(this.db, this.as, table, level, except);
  }

  /** The columns of a partition's own files; the table's where they were never told apart. */
  async columnsOf(table: Table, { schemaHash }: Pick<Partition, 'schemaHash'>): Promise<readonly Column[]> {
    if (schemaHash === undefined) return table.schema.columns;
    const known = this.schemas.get(schemaHash);
    if (known !== undefined) return known;
    const columns = (await findSchema(this.db, schemaHash))?.columns ?? table.schema.columns;
    this.schemas.set(schemaHash, columns);
    return columns;
  }

  /**
   * Keeps manifests before the partitions that have them, so that a table of a hundred thousand new partitions need not hold
   * them all. Until a partition names it a manifest means nothing; the next crawl of the same files finds it there.
   */
  async keepManifests(manifests: readonly PackedManifest[]): Promise<void> {
    await keepManifests(this.db, manifests);
  }

  async filesOf(partition: Partition): Promise<readonly ManifestFile[]> {
    return partition.manifestHash === undefined ? [] : ((await findManifest(this.db, partition.manifestHash)) ?? []);
  }

  /**
   * Locations below an address that belong to others: to a person, to a job, or to another crawler of the same database.
   * (Two crawlers may well record one lake into two databases.)
   */
  async foreignBelow(address: string): Promise<{ location: string; owner: string }[]> {
    const found: { location: string; owner: string }[] = [];
    const prefix = address.replace(/\/+$/, '');
    let after: string | undefined;
    do {
      const page = await listTables(this.db, this.as, { locationPrefix: prefix }, { first: 1_000, after });
      for (const { item } of page.items) {
        const other = item.owner !== this.owner && (item.database === this.database || !item.owner.startsWith('crawler:'));
        if (other && item.location !== undefined) found.push({ location: item.location, owner: item.owner });
      }
      after = page.hasNextPage ? page.items.at(-1)?.cursor : undefined;
    } while (after !== undefined);
    return found;
  }
}

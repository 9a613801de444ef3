import type { PartitionGroup } from '../catalog/partition-groups.ts';
import { inferKeyType, parsePartitionLevel } from '../model/partition-key.ts';
import type { Partition, Table } from '../model/table.ts';
import type { PlacedUnit } from './found-table.ts';
import type { Known } from './known.ts';

export interface LookedAtContext {
  readonly known: Known;
  /** Whether the files in the folder at a location are looked at by this crawl. */
  readonly isLookedAt: (location: string) => boolean;
  /** Only some folders are looked at. */
  readonly isPartial: () => boolean;
  /** And of those only such as the catalog does not know. */
  readonly isOnlyNew: () => boolean;
  /** What is looked at, where that are a few folders, each by itself; else undefined. */
  readonly fewFolders: () => readonly string[] | undefined;
  /** The folders so many levels below a root that are looked at; undefined: it may be all of them. */
  readonly foldersBelow: (root: string, levels: number) => readonly string[] | undefined;
}

/** Partitions that a crawl does not look at. They may be very many: they are not read, only what they come to. */
export interface Others {
  readonly count: number;
  /** By their columns and formats. */
  readonly groups: readonly PartitionGroup[];
  /** Values of one partition key from which its type follows as it does from all of them. */
  keyValues(level: number): Promise<readonly (string | null)[]>;
  /** All of them after all. */
  read(): Promise<PlacedUnit[]>;
}

export const NO_OTHERS: Others = {
  count: 0,
  groups: [],
  keyValues: () => Promise.resolve([]),
  read: () => Promise.resolve([]),
};

/** The partitions that the catalog has of a table, told apart by whether this crawl looks at them. */
export interface LookedAt {
  /** By location. */
  readonly partitions: ReadonlyMap<string, Partition>;
  readonly others: Others;
  /** Others that have the values of a place that is looked at. */
  readonly namesakes: readonly Partition[];
}

/** `root`: the path of the table's folder. */
export async function lookedAtOf(context: LookedAtContext, table: Table, root: string): Promise<LookedAt> {
  if (!context.isPartial()) return { partitions: await context.known.partitionsOf(table), others: NO_OTHERS, namesakes: [] };
  const found = await candidates(context, table, root);
  const partitions = new Map(found.flatMap((one) => (context.isLookedAt(one.location) ? [[one.location, one] as const] : [])));
  const namesakes = found.filter(({ location }) => !partitions.has(location));
  return { partitions, others: await othersOf(context.known, table, partitions), namesakes };
}

/** All that may be looked at. A partition lies one folder below its table for each key, and their names tell its values. */
async function candidates({ known, foldersBelow }: LookedAtContext, table: Table, root: string): Promise<Partition[]> {
  const folders = foldersBelow(root, table.schema.partitionKeys.length);
  if (folders === undefined) return [...(await known.partitionsOf(table)).values()];
  return known.partitionsWith(
    table,
    folders.map((folder) => valuesOf(folder.slice(root.length))),
  );
}

function valuesOf(path: string): (string | null)[] {
  return path
    .split('/')
    .slice(0, -1)
    .map((name) => {
      const parsed = parsePartitionLevel(name);
      return parsed === undefined ? name : parsed.value;
    });
}

async function othersOf(known: Known, table: Table, lookedAt: ReadonlyMap<string, Partition>): Promise<Others> {
  const ids = [...lookedAt.values()].map(({ id }) => id);
  const groups = await known.groupsOf(table, ids);
  return {
    count: groups.reduce((sum, { count }) => sum + count, 0),
    groups,
    keyValues(level) {
      const ends = groups.flatMap((group) => group.ends[level] ?? []);
      return Promise.resolve(isTold(table, level, ends) ? ends : known.keyValues(table, level, ids));
    },
    async read() {
      const all = await known.partitionsOf(table);
      return [...all.values()].filter(({ location }) => !lookedAt.has(location)).map(keptUnit);
    },
  };
}

/**
 * Numbers and dates lie between their ends, and so do their types; where the ends alone make a string, the others change
 * nothing. Else something between the ends made it one.
 */
function isTold({ schema }: Table, level: number, ends: readonly (string | null)[]): boolean {
  const kind = schema.partitionKeys[level]?.type.kind ?? '';
  return ['int', 'bigint', 'date'].includes(kind) || (kind === 'string' && inferKeyType(ends).kind === 'string');
}

function keptUnit(partition: Partition): PlacedUnit {
  return { values: partition.values, path: '', location: partition.location, unit: { kind: 'unchanged', partition } };
}

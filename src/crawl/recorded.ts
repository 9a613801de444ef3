import type { Partition, Table } from '../model/table.ts';
import type { CollectContext } from './collect.ts';
import { folderAddress } from './found-table.ts';
import { placeBelow } from './glue-grouping.ts';
import { LAYOUT } from './known.ts';
import { lakeFormatOf } from './lake-parts.ts';
import { pathBelow } from './scope-paths.ts';

export interface RecordedPartition {
  readonly table: Table;
  readonly partition: Partition;
}

/** Where the tables of this crawler are that the catalog has, for who finds folders before it is clear what they belong to. */
export class Recorded {
  /** Tables that are all of a folder, or begin in it. */
  private readonly tables = new Map<string, Table[]>();
  /** Folders whose files are several tables. */
  private readonly apart = new Set<string>();
  private readonly above = new Set<string>();
  private readonly partitions = new Map<string, ReadonlyMap<string, Partition>>();
  private readonly context: CollectContext;

  constructor(context: CollectContext) {
    this.context = context;
    for (const table of context.known.tables.values()) {
      const path = pathBelow(context.base(), table.location ?? '');
      if (path !== undefined) this.add(path.slice(0, path.lastIndexOf('/') + 1), table);
    }
  }

  private add(folder: string, table: Table): void {
    if (table.parameters[LAYOUT] !== undefined) this.apart.add(folder);
    else this.tables.set(folder, [...(this.tables.get(folder) ?? []), table]);
    for (const path of foldersTo(folder)) if (path !== folder) this.above.add(path);
  }

  isApart(folder: string): boolean {
    return this.apart.has(folder);
  }

  /** It is where a table with partitions begins, or on the way from there to its partitions. */
  isInTable(folder: string): boolean {
    return foldersTo(folder).some((root) => {
      const levels = depthBetween(root, folder);
      return this.tables.get(root)?.some(({ schema }) => schema.partitionKeys.length > levels) === true;
    });
  }

  hasTablesBelow(folder: string): boolean {
    return this.above.has(folder);
  }

  hasTableAt(folder: string): boolean {
    return this.tables.has(folder);
  }

  /** Tables begin, or files are several tables, on the way from one folder to another. */
  hasTablesBetween(root: string, folder: string): boolean {
    const between = foldersTo(folder).filter((path) => path.length > root.length && path !== folder);
    return between.some((path) => this.tables.has(path) || this.apart.has(path));
  }

  /** Tables of which a folder may be a partition, by how deep it lies; the nearest first. */
  tablesOver(folder: string): { readonly table: Table; readonly root: string }[] {
    return foldersTo(folder)
      .toReversed()
      .flatMap((root) => {
        const levels = depthBetween(root, folder);
        const fits = ({ schema, format }: Table): boolean =>
          levels > 0 && schema.partitionKeys.length === levels && lakeFormatOf({ format }) === undefined;
        return (this.tables.get(root) ?? []).filter(fits).map((table) => ({ table, root }));
      });
  }

  async partitionAt(folder: string): Promise<RecordedPartition | undefined> {
    for (const root of foldersTo(folder)) {
      const levels = depthBetween(root, folder);
      for (const table of this.tables.get(root) ?? []) {
        if (table.schema.partitionKeys.length !== levels) continue;
        const partition = await this.partitionIn(table, root, folder);
        if (partition !== undefined) return { table, partition };
      }
    }
    return undefined;
  }

  /** Of a few folders each is looked up; for many all are read. */
  private async partitionIn(table: Table, root: string, folder: string): Promise<Partition | undefined> {
    const location = folderAddress(this.context.base(), folder);
    const known = this.partitions.get(table.id);
    if (known !== undefined || this.context.fewFolders() === undefined)
      return (known ?? (await this.partitionsOf(table))).get(location);
    const found = await this.context.known.partitionsWith(table, [placeBelow(root, folder).values]);
    return found.find((partition) => partition.location === location);
  }

  /** By location; read once, and kept until it is forgotten. */
  async partitionsOf(table: Table): Promise<ReadonlyMap<string, Partition>> {
    const known = this.partitions.get(table.id);
    if (known !== undefined) return known;
    const read = await this.context.known.partitionsOf(table);
    this.partitions.set(table.id, read);
    return read;
  }

  /** All of the table has been found. */
  forget(table: Table): void {
    this.partitions.delete(table.id);
  }
}

/** The scope, the folders on the way, and the folder itself. */
function foldersTo(folder: string): string[] {
  const paths = [''];
  for (let slash = folder.indexOf('/'); slash >= 0; slash = folder.indexOf('/', slash + 1))
    paths.push(folder.slice(0, slash + 1));
  return paths;
}

function depthBetween(root: string, folder: string): number {
  return folder.slice(root.length).split('/').length - 1;
}

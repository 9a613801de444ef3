import type { Table } from '../model/table.ts';
import type { FoundTable } from './found-table.ts';
import { folderAddress } from './found-table.ts';
import type { ClosedFolder } from './grouping.ts';
import { identityOf, LAYOUT, type Known } from './known.ts';
import { lakeFormatOf } from './lake-parts.ts';
import type { Parts } from './parts.ts';

export interface PartialLookContext {
  readonly known: Known;
  /** The address of the scope's root. */
  readonly base: string;
  readonly pathOf: (location: string) => string | undefined;
  /** Schemas decide what is a table. */
  readonly isGrouped: boolean;
  /** All that the catalog has was put together anew, whatever was looked at. */
  readonly accountsForAll: () => boolean;
  /** A table whose partitions were looked at and had no file any more; undefined: it has no others. */
  readonly emptied: (folder: ClosedFolder, keys: readonly string[]) => Promise<FoundTable | undefined>;
}

/** Of more folders it is not asked what they are one by one. */
const FEW = 1_000;

/** A crawl that looks at some folders only: for the rest it takes the catalog's word. */
export class PartialLook {
  private readonly parts: Parts;
  private readonly context: PartialLookContext;
  /** Ids of tables of which nothing is left in what was looked at. */
  private readonly gone = new Set<string>();

  constructor(parts: Parts, context: PartialLookContext) {
    this.parts = parts;
    this.context = context;
  }

  isLookedAt(location: string): boolean {
    return this.parts.has(this.context.pathOf(location) ?? '');
  }

  /** The folders so many levels below a root that are looked at; undefined: it may be any of them. */
  foldersBelow(root: string, levels: number): readonly string[] | undefined {
    return this.parts.foldersBelow(root, levels);
  }

  /** What is looked at, where that are a few folders, each by itself. */
  fewFolders(): readonly string[] | undefined {
    const { all } = this.parts;
    return all.length > FEW || all.some(({ below }) => below) ? undefined : all.map(({ folder }) => folder);
  }

  /** Whether all that is left of a table was looked at. */
  isWhollyLookedAt(table: Table): boolean {
    const { id, location, schema, parameters } = table;
    const isPlain = parameters[LAYOUT] === undefined && lakeFormatOf(table) === undefined;
    if (isPlain && this.context.isGrouped) return this.context.accountsForAll();
    return schema.partitionKeys.length > 0 ? this.gone.has(id) : this.isLookedAt(location?.replace(/[^/]*$/, '') ?? '');
  }

  /** Of a folder that is looked at by itself, the catalog says what lies below it. */
  withWhatIsKnown(folder: ClosedFolder): ClosedFolder {
    const location = folderAddress(this.context.base, folder.path);
    let { partitioned, hasFolders } = folder;
    for (const table of this.context.known.tables.values()) {
      const isPartitioned = table.schema.partitionKeys.length > 0;
      if (table.location === location) partitioned ||= isPartitioned && !this.context.isGrouped;
      else hasFolders ||= table.location?.startsWith(location) === true && table.location.endsWith('/');
    }
    return { ...folder, partitioned, hasFolders };
  }

  /** Tables whose partitions were looked at, and had no file any more. */
  async *emptied(): AsyncGenerator<FoundTable> {
    if (this.context.isGrouped) return;
    const { known, base, emptied } = this.context;
    for (const { root, keys } of this.parts.partitioned()) {
      const table = known.tables.get(identityOf(folderAddress(base, root), keys, undefined));
      if (table === undefined || known.seen.has(table.id)) continue;
      const folder: ClosedFolder = { kind: 'folder', path: root, layouts: [], partitioned: true, hasFolders: false, first: 0 };
      const found = await emptied(folder, keys);
      if (found === undefined) this.gone.add(table.id);
      else yield found;
    }
  }
}

import { TenonError } from '../model/errors.ts';
import type { Column, Format } from '../model/schema.ts';
import type { Table } from '../model/table.ts';
import type { CollectContext } from './collect.ts';
import { folderAddress, foundTable, type FoundTable, type PlacedUnit } from './found-table.ts';
import { placeBelow } from './glue-grouping.ts';
import { haveLikeColumns } from './glue-likeness.ts';
import { lookedAtOf } from './looked-at.ts';
import { admit, isOfFormat } from './new-folders-rule.ts';
import type { Recorded } from './recorded.ts';
import type { ReadUnit } from './unit.ts';

/** A new folder, read. */
interface Fresh {
  readonly path: string;
  readonly first: number;
  readonly columns: readonly Column[];
  readonly format: Format;
  readonly unit: ReadUnit;
}

interface Addition {
  readonly table: Table;
  /** The path of the table's folder. */
  readonly root: string;
  readonly folders: Fresh[];
}

/**
 * Adds new folders to the tables that are there, by Glue's rules for crawls that look at nothing else: no table is made or
 * put together anew, and a folder is added where its path fits, if it is like the table, and most of those that fit there are.
 */
export class GlueNewFolders {
  private readonly context: CollectContext;
  private readonly catalog: Recorded;
  /** Whether schemas have to be alike. */
  private readonly combine: boolean;
  private readonly additions = new Map<string, Addition>();
  private homeless = 0;

  constructor(context: CollectContext, catalog: Recorded, combine: boolean) {
    this.context = context;
    this.catalog = catalog;
    this.combine = combine;
  }

  add(path: string, first: number, unit: ReadUnit): void {
    const folder = { path, first, unit, format: unit.format, columns: unit.columns ?? [] };
    const place = this.catalog
      .tablesOver(path)
      .find(({ table, root }) => placeBelow(root, path).keys.join('/') === keysOfTable(table));
    if (place === undefined) return this.pass(path);
    const addition = this.additions.get(place.table.id) ?? { ...place, folders: [] };
    this.additions.set(place.table.id, addition);
    addition.folders.push(folder);
  }

  /** It is no partition of anything. */
  pass(path: string): void {
    this.homeless += 1;
    this.context.report.skip(path, 'new, and of no table that is known');
  }

  async finish(): Promise<FoundTable[]> {
    const found: FoundTable[] = [];
    for (const addition of this.additions.values()) {
      const added = this.admitted(addition);
      if (added.length > 0) found.push(await this.withThese(addition, added));
    }
    if (this.homeless > 0)
      this.context.log(
        'warn',
        `${this.homeless} new folders belong to no table that is known. A crawl of everything finds out where they belong.`,
      );
    return found;
  }

  private admitted({ table, folders }: Addition): readonly Fresh[] {
    const fits = ({ columns, format }: Fresh): boolean =>
      isOfFormat(table, format) && (this.combine || haveLikeColumns(table.schema.columns, columns));
    return admit(table, folders, { fits, others: 'left out' }, this.context);
  }

  private async withThese({ table, root }: Addition, folders: readonly Fresh[]): Promise<FoundTable> {
    const { context } = this;
    const recorded = await lookedAtOf(context, table, root);
    const seen = new Set(recorded.namesakes.map(({ values }) => JSON.stringify(values)));
    const units: PlacedUnit[] = [];
    for (const { path, unit } of folders) {
      const { values } = placeBelow(root, path);
      const text = JSON.stringify(values);
      if (seen.has(text))
        context.report.unknown(
          path,
          new TenonError('BAD_INPUT', `The folder ${path} has the same partition values as another one.`),
        );
      else units.push({ values, path, location: folderAddress(context.base(), path), unit });
      seen.add(text);
    }
    const { database, connection, policy, known, report } = context;
    const parts = {
      name: table.name,
      database,
      connection,
      location: folderAddress(context.base(), root),
      keys: table.schema.partitionKeys.map(({ name }) => name),
      layout: undefined,
      before: table,
      units,
      others: recorded.others,
      absent: [],
      policy,
      plainKeys: true,
    };
    return foundTable(parts, { path: root, first: folders[0]?.first ?? 0 }, known, report);
  }
}

function keysOfTable({ schema }: Table): string {
  return schema.partitionKeys.map(({ name }) => name).join('/');
}

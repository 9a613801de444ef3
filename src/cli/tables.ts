import type { Command } from 'commander';
import { moreText, nextOf, nodesOf, pageOptions, type Connection, type Perform } from './command.ts';
import { plain, textTable } from './text-table.ts';

export interface TableAnswer {
  readonly name: string;
  readonly database: { readonly name: string };
  readonly type: string;
  readonly format: { readonly name: string } | null;
  readonly location: string | null;
  readonly version: { readonly number: number };
  readonly columns: readonly ColumnAnswer[];
  readonly partitionKeys: readonly ColumnAnswer[];
}

export interface ColumnAnswer {
  readonly name: string;
  readonly type: string;
}

export const TABLE_FIELDS = `name database { name } type format { name } location version { number }
  columns { name type } partitionKeys { name type }`;

/** The shape that scripts depend on. */
export function tableJson({ name, database, type, format, location, version, columns, partitionKeys }: TableAnswer) {
  return {
    database: database.name,
    name,
    type: type.toLowerCase().replaceAll('_', ' '),
    format: format?.name ?? null,
    location,
    version: version.number,
    columns: columns.map(columnJson),
    partitionKeys: partitionKeys.map(columnJson),
  };
}

function columnJson({ name, type }: ColumnAnswer): ColumnAnswer {
  return { name, type };
}

export function addTables(program: Command, perform: Perform): void {
  const command = program
    .command('tables')
    .summary('list the tables of the catalog')
    .option('--database <name>', 'only of this database')
    .addHelpText('after', '\nExample:\n  tenon tables --database lake');
  pageOptions(command, 100).action(async (_options, self: Command) => {
    const { database, limit, after } = self.opts<{ database?: string; limit: number; after?: string }>();
    await perform(self, async (client) => {
      const { tables } = await client.ask<{ tables: Connection<TableAnswer> }>(
        `query ($filter: TableFilter, $first: Int, $after: String) {
          tables(filter: $filter, first: $first, after: $after) { edges { node { ${TABLE_FIELDS} } } pageInfo { hasNextPage endCursor } }
        }`,
        { filter: { database: database?.toLowerCase() }, first: limit, after },
      );
      const found = nodesOf(tables).map(tableJson);
      const next = nextOf(tables.pageInfo);
      return { json: { tables: found, ...(next !== null && { next }) }, text: tablesText(found) + moreText(next) };
    });
  });
}

function tablesText(tables: readonly ReturnType<typeof tableJson>[]): string {
  if (tables.length === 0) return 'There are no tables yet. tenon crawl finds some.';
  const rows = tables.map((table) => [
    `${table.database}.${table.name}`,
    table.format ?? table.type,
    table.version,
    table.columns.length,
    table.partitionKeys.map(({ name, type }) => `${plain(name)} ${type}`).join(', '),
    table.location,
  ]);
  return textTable(['table', 'format', 'version', 'columns', 'partitioned by', 'location'], rows);
}

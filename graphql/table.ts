import { listPartitions } from '../src/catalog/partitions.ts';
import { findTable, listTables } from '../src/catalog/tables.ts';
import { findVersion, listVersions } from '../src/catalog/versions.ts';
import { readChanges } from '../src/access/audit.ts';
import { TenonError } from '../src/model/errors.ts';
import type { Position } from '../src/model/change.ts';
import { parseTableName } from '../src/model/names.ts';
import type { Table, Version } from '../src/model/table.ts';
import { branded } from './branded.ts';
import { builder } from './builder.ts';
import { ChangeConnection } from './change.ts';
import { ColumnRef, FormatRef } from './column.ts';
import type { Context } from './context.ts';
import { DatabaseRef } from './database.ts';
import { given } from './given.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';
import { PartitionConnection, TotalsRef } from './partition.ts';
import { diffOf, DiffRef, needVersion, VersionConnection, VersionRef } from './version.ts';

/** A table, and the position at which it was asked for: what hangs on it is read there too. */
export interface TableNode extends Table {
  readonly asOf?: Position | undefined;
}

export const TableRef = builder.objectRef<TableNode>('Table');

export const TableTypeRef = builder.enumType('TableType', {
  description: 'What a table is to its source.',
  values: {
    TABLE: { value: 'table', description: 'A table, or files that make one.' },
    VIEW: { value: 'view', description: 'A stored query.' },
    MATERIALIZED_VIEW: { value: 'materialized view', description: 'A stored query with stored rows.' },
    FOREIGN_TABLE: { value: 'foreign table', description: 'A table that its database reads from elsewhere.' },
  } as const,
});

builder.node(TableRef, {
  description: 'A table of the catalog, as it is or, under `table(asOf:)`, as it was.',
  id: { resolve: (table) => table.id },
  loadMany: (ids, { loaders }) =>
    Promise.all(ids.map(async (key) => branded('Table', await loaders.table.load({ key, asOf: undefined })))),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its own name, in lower case.' }),
    fullName: t.string({
      description: 'With its database: `lake.sales`.',
      resolve: ({ database, name }) => `${database}.${name}`,
    }),
    database: t.field({
      type: DatabaseRef,
      description: 'The database that it is in.',
      resolve: async ({ database, asOf }, _, { loaders }) =>
        needed(await loaders.database.load({ key: database, asOf }), database),
    }),
    type: t.field({ type: TableTypeRef, description: 'What it is to its source.', resolve: ({ type }) => type }),
    location: t.string({
      nullable: true,
      description: 'Where its rows are: a folder, a bucket, a database. Never with a password.',
      resolve: ({ location }) => location,
    }),
    format: t.field({ type: FormatRef, nullable: true, description: 'How its bytes are read.', resolve: ({ format }) => format }),
    description: t.string({ nullable: true, description: 'What is known about it.', resolve: ({ description }) => description }),
    owner: t.exposeString('owner', { description: 'Who recorded it: `api`, `crawler:<name>` or `job:<name>`.' }),
    connection: t.string({
      nullable: true,
      description: 'The connection that leads to it, if one is needed.',
      resolve: ({ connection }) => connection,
    }),
    parameters: t.field({ type: 'JSON', description: 'An object of texts.', resolve: ({ parameters }) => parameters }),
    details: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An object: what the source declares besides columns, such as keys, foreign keys and indexes.',
      resolve: ({ details }) => details,
    }),
    columns: t.field({
      type: [ColumnRef],
      description: 'Without the partition keys.',
      resolve: ({ schema }) => [...schema.columns],
    }),
    partitionKeys: t.field({
      type: [ColumnRef],
      description: 'In the order of the folders.',
      resolve: ({ schema }) => [...schema.partitionKeys],
    }),
    version: t.field({
      type: VersionRef,
      description: 'The current version, or the one of the number. NOT_FOUND when there is no such number.',
      args: { number: t.arg.int({ description: 'Counted from 1.' }) },
      resolve: async (table, { number }, { loaders }) => {
        const wanted = number ?? table.version;
        return needVersion(await loaders.version.load({ tableId: table.id, number: wanted }), wanted);
      },
    }),
    versions: t.field({
      type: VersionConnection,
      description: 'All versions, the newest first.',
      args: pageArgs(t),
      resolve: async ({ id }, args, { tenon, as }) =>
        connectionOf(await listVersions(tenon.ground.db, as, id, pageOf(args, tenon.config.limits)), args, same),
    }),
    diff: t.field({
      type: DiffRef,
      description: 'What leads from one version to another.',
      args: {
        from: t.arg.int({ required: true, description: 'The number of the version to start from.' }),
        to: t.arg.int({ description: 'The number of the version to lead to; left out: the current one.' }),
      },
      resolve: async (table, { from, to }, context) =>
        diffOf(await versionOf(context, table, from), await versionOf(context, table, to ?? table.version)),
    }),
    partitions: t.field({
      type: PartitionConnection,
      description: 'Its partitions, in an order that stays the same from page to page. A table without partition keys has one.',
      args: {
        predicate: t.arg.string({ description: "On the partition keys: `dt >= '2026-01-01' and region in ('eu', 'us')`." }),
        deviating: t.arg.boolean({ description: 'Only those whose own columns are not those of the table.' }),
        ...pageArgs(t),
      },
      resolve: async (table, args, { tenon, as }) => {
        const filter = { predicate: args.predicate ?? undefined, deviating: args.deviating ?? false, asOf: table.asOf };
        const page = await listPartitions(tenon.ground.db, as, table, filter, pageOf(args, tenon.config.limits));
        return connectionOf(page, args, (partition) => ({ ...partition, schema: table.schema }));
      },
    }),
    totals: t.field({
      type: TotalsRef,
      description: 'Sums over its partitions.',
      resolve: ({ id, asOf }, _, { loaders }) => loaders.totals.load({ key: id, asOf }),
    }),
    changes: t.field({
      type: ChangeConnection,
      description: 'What happened to it, the oldest first, also under a former name.',
      args: pageArgs(t),
      resolve: async ({ id }, args, { tenon, as }) =>
        connectionOf(await readChanges(tenon.ground.db, as, { subject: id }, pageOf(args, tenon.config.limits)), args, same),
    }),
  }),
});

async function versionOf({ tenon, as }: Context, table: Table, number: number): Promise<Version> {
  return needVersion(await findVersion(tenon.ground.db, as, table.id, number), number);
}

function needed<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw new TenonError('NOT_FOUND', `«${name}» was dropped meanwhile.`, { name });
}

const TableConnection = builder.connectionObject(
  { type: TableRef, name: 'TableConnection', description: 'A page of tables.' },
  { name: 'TableEdge', description: 'A table in a list.' },
);

const TableFilterRef = builder.inputType('TableFilter', {
  description: 'Which tables. As in all filters here: all that is given must hold; of a list one value must.',
  fields: (t) => ({
    database: t.string({ description: 'In this database.' }),
    name: t.string({ description: 'Of this name, without the database.' }),
    nameContains: t.string({ description: 'With this text in the name.' }),
    owner: t.string({ description: 'Recorded by `api`, `crawler:<name>` or `job:<name>`.' }),
    type: t.field({ type: TableTypeRef, description: 'Of this type.' }),
    locationPrefix: t.string({ description: 'Whose location begins so; for a folder with `/` at its end.' }),
  }),
});

const asOfArg = 'As the catalog was after this position; left out: as it is.';

builder.queryFields((t) => ({
  table: t.field({
    type: TableRef,
    nullable: true,
    description: 'The table of this name; null when there is none.',
    args: {
      name: t.arg.string({ required: true, description: 'With its database: `lake.sales`.' }),
      asOf: t.arg({ type: 'Position', description: asOfArg }),
    },
    resolve: async (_, { name, asOf }, { tenon, as }) => {
      const { database, table } = parseTableName(name);
      const found = await findTable(tenon.ground.db, as, { database, name: table }, { asOf: asOf ?? undefined });
      return found === undefined ? null : seenAt(found, asOf);
    },
  }),
  tables: t.field({
    type: TableConnection,
    description: 'Tables, in the order of their databases’ names and their own.',
    args: {
      filter: t.arg({ type: TableFilterRef, description: 'Which; left out: all.' }),
      asOf: t.arg({ type: 'Position', description: asOfArg }),
      ...pageArgs(t),
    },
    resolve: async (_, args, { tenon, as }) => {
      const page = pageOf(args, tenon.config.limits);
      const found = await listTables(tenon.ground.db, as, given(args.filter), page, { asOf: args.asOf ?? undefined });
      return connectionOf(found, args, (table) => seenAt(table, args.asOf));
    },
  }),
}));

function seenAt(table: Table, asOf: Position | null | undefined): TableNode {
  return { ...table, asOf: asOf ?? undefined };
}

import { packManifest } from '../src/catalog/manifests.ts';
import { readTableByName } from '../src/catalog/table-rows.ts';
import { endPartitions, listPartitions, recordPartitions, type PartitionCounts } from '../src/catalog/partitions.ts';
import { dropTable, recordTable, type Recorded } from '../src/catalog/tables.ts';
import type { Write } from '../src/changes/write.ts';
import { TenonError } from '../src/model/errors.ts';
import { parseTableName } from '../src/model/names.ts';
import type { Column, Format } from '../src/model/schema.ts';
import type { PartitionDraft, Table, TableDraft } from '../src/model/table.ts';
import { parseType } from '../src/model/types.ts';
import { builder } from './builder.ts';
import { inWrite } from './in-write.ts';
import { readObject, readParameters } from './parameters.ts';
import { TableRef, TableTypeRef } from './table.ts';

const ColumnInput = builder.inputType('ColumnInput', {
  description: 'A column or a partition key.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Any text; case does not tell two columns apart.' }),
    type: t.string({
      required: true,
      description: 'In Hive’s spelling: `bigint`, `decimal(10,2)`, `array<struct<a:int,b:string>>`.',
    }),
    nullable: t.boolean({ defaultValue: true, description: 'False when null cannot be.' }),
    comment: t.string({ description: 'What is known about it.' }),
  }),
});

const FormatInput = builder.inputType('FormatInput', {
  description: 'How bytes are to be read.',
  fields: (t) => ({
    name: t.string({ required: true, description: '`csv`, `json` or `parquet`.' }),
    compression: t.string({ description: '`gzip`; left out for none.' }),
    options: t.field({
      type: 'JSON',
      description: 'An object of texts, numbers and booleans: csv has `delimiter`, `quote`, `header` …',
    }),
  }),
});

const TableInput = builder.inputType('TableInput', {
  description: 'A table as it is to be recorded.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'With its database, which must exist: `lake.sales`.' }),
    type: t.field({ type: TableTypeRef, defaultValue: 'table', description: 'What it is to its source.' }),
    location: t.string({ description: 'Where its rows are. Never with a password.' }),
    format: t.field({ type: FormatInput, description: 'How its bytes are read.' }),
    description: t.string({ description: 'Left out: it stays as it is.' }),
    connection: t.string({ description: 'The connection that leads to it.' }),
    parameters: t.field({ type: 'JSON', description: 'An object of texts; replaces all that there are. Left out: they stay.' }),
    columns: t.field({ type: [ColumnInput], required: true, description: 'All of them, without the partition keys.' }),
    partitionKeys: t.field({ type: [ColumnInput], description: 'In the order of the folders.' }),
  }),
});

const FileInput = builder.inputType('FileInput', {
  description: 'A file, as a listing tells it.',
  fields: (t) => ({
    address: t.string({ required: true, description: 'The whole address: `s3://bucket/key`, `file:///folder/name`.' }),
    size: t.field({ type: 'BigInt', required: true, description: 'In bytes.' }),
    etag: t.string({ required: true, description: 'What changes when its bytes change.' }),
    modified: t.field({ type: 'DateTime', required: true, description: 'When it was written.' }),
  }),
});

const PartitionInput = builder.inputType('PartitionInput', {
  description: 'A partition with its files.',
  fields: (t) => ({
    values: t.field({
      type: 'JSON',
      required: true,
      description: 'An object: the text of each partition key, null for Hive’s default partition.',
    }),
    location: t.string({ required: true, description: 'Where its files are.' }),
    files: t.field({
      type: [FileInput],
      required: true,
      description: 'All of its files: they are read from here, and never listed again.',
    }),
    rows: t.field({ type: 'BigInt', description: 'How many rows, where somebody has counted.' }),
  }),
});

const RecordedRef = builder.objectRef<Recorded>('RecordedTable').implement({
  description: 'A table that was recorded, and what that changed.',
  fields: (t) => ({
    table: t.field({ type: TableRef, description: 'As it is now.', resolve: ({ table }) => table }),
    created: t.exposeBoolean('created', { description: 'It was not there before.' }),
    changed: t.exposeBoolean('changed', { description: 'Anything is different; true for a new one too.' }),
    versionAdded: t.exposeBoolean('versionAdded', { description: 'Its columns or partition keys are different.' }),
  }),
});

interface Counted extends PartitionCounts {
  readonly table: Table;
  readonly removed: number;
}

const CountedRef = builder.objectRef<Counted>('ChangedPartitions').implement({
  description: 'What happened to the partitions of a table.',
  fields: (t) => ({
    table: t.field({ type: TableRef, description: 'The table.', resolve: ({ table }) => table }),
    added: t.exposeInt('added', { description: 'New ones.' }),
    changed: t.exposeInt('changed', { description: 'With other files than before.' }),
    unchanged: t.exposeInt('unchanged', { description: 'The same as before.' }),
    removed: t.exposeInt('removed', { description: 'Gone.' }),
  }),
});

const nameArg = 'With its database: `lake.sales`.';

builder.mutationFields((t) => ({
  recordTable: t.field({
    type: RecordedRef,
    description: 'Makes a table, or makes it what is given. What does not differ is not written.',
    args: {
      table: t.arg({ type: TableInput, required: true, description: 'What it is to be.' }),
      expectedVersion: t.arg.int({
        description: 'CONFLICT unless the table is at this version; 0 stands for a table that does not exist.',
      }),
    },
    resolve: (_, { table, expectedVersion }, context) =>
      inWrite(context, (w) => recordTable(w, draftOf(table), typeof expectedVersion === 'number' ? { expectedVersion } : {})),
  }),
  dropTable: t.field({
    type: TableRef,
    description: 'Drops a table from the catalog and returns it as it was. Its files are not touched.',
    args: { name: t.arg.string({ required: true, description: nameArg }) },
    resolve: (_, { name }, context) =>
      inWrite(context, async (w) => {
        const table = await needTable(w, name);
        await dropTable(w, { database: table.database, name: table.name });
        return table;
      }),
  }),
  addPartitions: t.field({
    type: CountedRef,
    description:
      'Makes these partitions current: new ones are added, those with other files are switched. At most 10,000 at a time.',
    args: {
      table: t.arg.string({ required: true, description: nameArg }),
      partitions: t.arg({ type: [PartitionInput], required: true, description: 'Which.' }),
    },
    resolve: (_, { table: name, partitions }, context) =>
      inWrite(context, async (w) => {
        const table = await needTable(w, name);
        const drafts = partitions.map((partition) => partitionDraft(table, partition));
        return { table, removed: 0, ...(await recordPartitions(w, table, drafts)) };
      }),
  }),
  dropPartitions: t.field({
    type: CountedRef,
    description: 'Drops the partitions that a predicate says, at most 10,000 at a time. Their files are not touched.',
    args: {
      table: t.arg.string({ required: true, description: nameArg }),
      predicate: t.arg.string({ required: true, description: "On the partition keys: `dt < '2020-01-01'`." }),
    },
    resolve: (_, { table: name, predicate }, context) =>
      inWrite(context, async (w) => {
        const table = await needTable(w, name);
        const { items } = await listPartitions(
          w.tx,
          context.as,
          table,
          { predicate },
          { first: context.tenon.config.limits.transactionRows },
        );
        const { removed } = await endPartitions(
          w,
          table,
          items.map(({ item }) => item.id),
        );
        return { table, added: 0, changed: 0, unchanged: 0, removed };
      }),
  }),
}));

async function needTable(w: Write, name: string): Promise<Table> {
  const { database, table } = parseTableName(name);
  const row = await readTableByName(w.tx, database, table);
  if (row !== undefined) return row.table;
  throw new TenonError('NOT_FOUND', `There is no table ${database}.${table}.`, { table: `${database}.${table}` });
}

type Given<Ref extends { $inferInput: unknown }> = Ref['$inferInput'];

function draftOf(input: Given<typeof TableInput>): TableDraft {
  const { database, table: name } = parseTableName(input.name);
  const parameters = readParameters(input.parameters);
  return {
    database,
    name,
    type: input.type ?? 'table',
    ...(typeof input.location === 'string' && { location: input.location }),
    ...(input.format && { format: formatOf(input.format) }),
    ...(typeof input.description === 'string' && { description: input.description }),
    ...(typeof input.connection === 'string' && { connection: input.connection }),
    ...(parameters !== undefined && { parameters }),
    schema: { columns: input.columns.map(columnOf), partitionKeys: (input.partitionKeys ?? []).map(columnOf) },
  };
}

function columnOf({ name, type, nullable, comment }: Given<typeof ColumnInput>): Column {
  return {
    name,
    type: parseType(type),
    ...(nullable === false && { nullable }),
    ...(typeof comment === 'string' && { comment }),
  };
}

function formatOf({ name, compression, options }: Given<typeof FormatInput>): Format {
  const given = readObject(options ?? {}, 'options');
  const wrong = Object.entries(given).find(([, value]) => !['string', 'number', 'boolean'].includes(typeof value));
  if (wrong !== undefined)
    throw new TenonError(
      'BAD_INPUT',
      `The option «${wrong[0].slice(0, 100)}» of a format must be a text, a number or a boolean.`,
    );
  return {
    name,
    ...(typeof compression === 'string' && { compression }),
    options: given as NonNullable<Format['options']>,
  };
}

function partitionDraft(table: Table, { values, location, files, rows }: Given<typeof PartitionInput>): PartitionDraft {
  const given = readObject(values, 'values');
  const manifest = packManifest(
    files.map(({ address, size, etag, modified }) => ({ address, size: Number(size), etag, modified: modified.getTime() })),
  );
  return {
    values: table.schema.partitionKeys.map(({ name }) => valueOf(given, name)),
    location,
    manifest,
    ...(typeof rows === 'bigint' && { rows }),
  };
}

function valueOf(values: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = values[name];
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new TenonError('BAD_INPUT', `A partition needs a text for its key «${name}», or null.`, { key: name });
}

import { partitionText } from '../src/model/partition-key.ts';
import type { PartitionTotals } from '../src/catalog/partitions.ts';
import { deviationOf } from '../src/model/deviation.ts';
import type { Schema } from '../src/model/schema.ts';
import type { SchemaChange } from '../src/model/schema-diff.ts';
import type { Partition } from '../src/model/table.ts';
import { builder } from './builder.ts';
import { FormatRef } from './column.ts';
import type { Loaders } from './loaders.ts';
import { SchemaChangeRef } from './version.ts';

/** A partition with the schema of its table, whose keys its values belong to. */
interface PartitionNode extends Partition {
  readonly schema: Schema;
}

const PartitionRef = builder.objectRef<PartitionNode>('Partition').implement({
  description: 'A part of a table: the files under one set of values of the partition keys.',
  fields: (t) => ({
    name: t.string({
      description: 'As Hive writes it: `dt=2026-01-01/region=eu`; empty for a table without partition keys.',
      resolve: ({ schema, values }) => partitionText(schema.partitionKeys, values),
    }),
    values: t.field({
      type: 'JSON',
      description: 'An object: the text of each partition key, null for Hive’s default partition.',
      resolve: ({ schema, values }) =>
        Object.fromEntries(schema.partitionKeys.map(({ name }, index) => [name, values[index] ?? null])),
    }),
    location: t.exposeString('location', { description: 'Where its files are.' }),
    format: t.field({
      type: FormatRef,
      nullable: true,
      description: 'Null where it is the table’s.',
      resolve: ({ format }) => format,
    }),
    owner: t.exposeString('owner', { description: 'Who recorded it: `api`, `crawler:<name>` or `job:<name>`.' }),
    rows: t.field({ type: 'BigInt', nullable: true, description: 'Null where nobody has counted.', resolve: ({ rows }) => rows }),
    stats: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'By column the least and the greatest value as texts, and how many nulls: `{"id": {"min": "1", "max": "9", "nulls": 0}}`. Null where not all footers were read.',
      resolve: ({ stats }) => stats,
    }),
    bytes: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Of its files, as they are stored.',
      resolve: ({ bytes }) => bytes,
    }),
    files: t.exposeInt('files', { description: 'How many files it has.' }),
    deviates: t.boolean({
      description: 'Its own columns are not those of the table: some are missing, others are more, or of another type.',
      resolve: async (partition, _, { loaders }) => (await differences(partition, loaders)).length > 0,
    }),
    diff: t.field({
      type: [SchemaChangeRef],
      description: 'What its own columns have and the table’s have not, and the other way round.',
      resolve: (partition, _, { loaders }) => differences(partition, loaders),
    }),
  }),
});

/** A partition that has no columns of its own has those of its table. */
async function differences({ schema, schemaHash }: PartitionNode, loaders: Loaders): Promise<SchemaChange[]> {
  const own = schemaHash === undefined ? undefined : await loaders.schema.load(schemaHash);
  return own === undefined ? [] : deviationOf(schema, own.columns);
}

export const PartitionConnection = builder.connectionObject(
  { type: PartitionRef, name: 'PartitionConnection', description: 'A page of partitions.' },
  { name: 'PartitionEdge', description: 'A partition in a list.' },
);

export const TotalsRef = builder.objectRef<PartitionTotals>('PartitionTotals').implement({
  description: 'Sums over the partitions of a table.',
  fields: (t) => ({
    partitions: t.exposeInt('partitions', { description: 'How many there are.' }),
    rows: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Null as soon as one partition does not tell.',
      resolve: ({ rows }) => rows,
    }),
    bytes: t.expose('bytes', { type: 'BigInt', description: 'Of all files, as they are stored.' }),
    files: t.exposeInt('files', { description: 'How many files.' }),
  }),
});

import { listLineage, type LineageEdge } from '../src/catalog/lineage.ts';
import { findTable } from '../src/catalog/tables.ts';
import { TenonError } from '../src/model/errors.ts';
import { parseTableName } from '../src/model/names.ts';
import { builder } from './builder.ts';
import { TableRef } from './table.ts';

const DirectionRef = builder.enumType('LineageDirection', {
  description: 'Which way to look.',
  values: {
    UPSTREAM: { value: 'upstream', description: 'What the table was made of.' },
    DOWNSTREAM: { value: 'downstream', description: 'What was made of the table.' },
  } as const,
});

const LineageEdgeRef = builder.objectRef<LineageEdge>('LineageEdge').implement({
  description: 'One table was made of another.',
  fields: (t) => ({
    from: t.field({
      type: TableRef,
      nullable: true,
      description: 'The table that was read.',
      resolve: ({ from }, _, { loaders }) => loaders.table.load({ key: from.id, asOf: undefined }),
    }),
    to: t.field({
      type: TableRef,
      nullable: true,
      description: 'The table that was written.',
      resolve: ({ to }, _, { loaders }) => loaders.table.load({ key: to.id, asOf: undefined }),
    }),
    producer: t.exposeString('producer', { description: 'Who made it: `job:<name>`.' }),
    runId: t.id({
      nullable: true,
      description: 'The run that first did.',
      resolve: ({ runId }) => (runId === undefined ? null : `Run:${runId}`),
    }),
    depth: t.exposeInt('depth', { description: 'Hops from the table that was asked about; its own edges have 1.' }),
  }),
});

builder.queryFields((t) => ({
  lineage: t.field({
    type: [LineageEdgeRef],
    description:
      'What a table was made of, or what was made of it, the nearest first. LIMIT when there are more than 10,000 edges.',
    args: {
      table: t.arg.string({ required: true, description: 'With its database: `lake.sales`.' }),
      direction: t.arg({ type: DirectionRef, required: true, description: 'Which way to look.' }),
      depth: t.arg.int({ defaultValue: 1, description: 'How many hops to go, 1 to 50.' }),
    },
    resolve: async (_, { table: name, direction, depth }, { tenon, as }) => {
      const { database, table } = parseTableName(name);
      const found = await findTable(tenon.ground.db, as, { database, name: table });
      if (found === undefined)
        throw new TenonError('NOT_FOUND', `There is no table ${database}.${table}.`, { table: `${database}.${table}` });
      return listLineage(tenon.ground.db, as, found.id, direction, depth ?? 1);
    },
  }),
}));

import {
  approveRemoval,
  listRemovals,
  needRemoval,
  rejectRemoval,
  type Approved,
  type Removal,
  type RemovalState,
} from '../src/crawl/removals.ts';
import { builder } from './builder.ts';
import { given } from './given.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';

const STATES: Readonly<Record<RemovalState, string>> = {
  PARKED: 'It waits for somebody to approve or reject it.',
  APPROVED: 'Somebody approved it, and it is done.',
  REJECTED: 'Somebody rejected it: what it shows stays while just that is missing.',
  SUPERSEDED: 'A later crawl saw everything, and found something else.',
};

const RemovalStateRef = builder.enumType('RemovalState', {
  description: 'How a removal stands.',
  values: Object.fromEntries(Object.entries(STATES).map(([state, description]) => [state, { description }])) as Record<
    RemovalState,
    { description: string }
  >,
});

const MissingPartitionRef = builder.objectRef<{ table: string; partition: string }>('MissingPartition').implement({
  description: 'A partition that is gone from the source.',
  fields: (t) => ({
    table: t.exposeString('table', { description: 'With its database: `lake.sales`.' }),
    partition: t.exposeString('partition', { description: 'As Hive writes it: `dt=2026-01-01`.' }),
  }),
});

const RemovalRef = builder.objectRef<Removal>('Removal').implement({
  description: 'What a crawl found missing, and too much of it to remove it unasked.',
  fields: (t) => ({
    id: t.id({ description: 'To approve or reject it.', resolve: ({ id }) => `Removal:${id}` }),
    crawler: t.exposeString('crawler', { description: 'The name of the crawler.' }),
    runId: t.id({ description: 'The crawl that found it.', resolve: ({ runId }) => `Run:${runId}` }),
    state: t.field({ type: RemovalStateRef, description: 'How it stands.', resolve: ({ state }) => state }),
    tables: t.int({ description: 'How many tables are missing.', resolve: ({ content }) => content.tables }),
    partitions: t.int({
      description: 'How many partitions of other tables are missing.',
      resolve: ({ content }) => content.partitions,
    }),
    missingTables: t.stringList({
      description: 'The first thousand of the tables: `lake.sales`.',
      resolve: ({ content }) => [...content.shown.tables],
    }),
    missingPartitions: t.field({
      type: [MissingPartitionRef],
      description: 'The first thousand of the partitions.',
      resolve: ({ content }) => [...content.shown.partitions],
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was parked.' }),
    decidedBy: t.string({
      nullable: true,
      description: 'The name of who decided; null while nobody has, and for what a crawl superseded.',
      resolve: ({ decidedBy }) => decidedBy,
    }),
    decidedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was decided.',
      resolve: ({ decidedAt }) => decidedAt,
    }),
  }),
});

const RemovalConnection = builder.connectionObject(
  { type: RemovalRef, name: 'RemovalConnection', description: 'A page of removals.' },
  { name: 'RemovalEdge', description: 'A removal in a list.' },
);

const RemovalFilterRef = builder.inputType('RemovalFilter', {
  description: 'Which removals. As in all filters here: all that is given must hold; of a list one value must.',
  fields: (t) => ({
    crawler: t.string({ description: 'Of this crawler.' }),
    state: t.field({ type: RemovalStateRef, description: 'In this state.' }),
  }),
});

const ApprovedRef = builder.objectRef<Approved>('ApprovedRemoval').implement({
  description: 'What an approval did.',
  fields: (t) => ({
    removal: t.field({ type: RemovalRef, description: 'As it is now.', resolve: ({ removal }) => removal }),
    tables: t.exposeInt('tables', { description: 'Tables that were dropped.' }),
    partitions: t.exposeInt('partitions', { description: 'Partitions that were ended.' }),
    kept: t.exposeInt('kept', { description: 'Tables and partitions that were gone already, or have changed since.' }),
  }),
});

const idArg = 'Its id, as the API or the command line gives it.';
const bare = (id: string): string => id.replace(/^Removal:/, '');

builder.queryFields((t) => ({
  removal: t.field({
    type: RemovalRef,
    description: 'The removal of this id. NOT_FOUND when there is none.',
    args: { id: t.arg.id({ required: true, description: idArg }) },
    resolve: (_, { id }, { tenon, as }) => needRemoval(tenon.ground.db, as, bare(id)),
  }),
  removals: t.field({
    type: RemovalConnection,
    description: 'Removals that were parked, the newest first.',
    args: { filter: t.arg({ type: RemovalFilterRef, description: 'Which; left out: all.' }), ...pageArgs(t) },
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await listRemovals(tenon.ground.db, as, given(args.filter), pageOf(args, tenon.config.limits)), args, same),
  }),
}));

builder.mutationFields((t) => ({
  approveRemoval: t.field({
    type: ApprovedRef,
    description:
      'Removes just what the removal shows, and of it only what is still there and unchanged. CONFLICT when it waits no more.',
    args: { id: t.arg.id({ required: true, description: idArg }) },
    resolve: (_, { id }, { tenon, as }) => approveRemoval(tenon.ground, as, bare(id), tenon.config.limits.transactionRows),
  }),
  rejectRemoval: t.field({
    type: RemovalRef,
    description: 'Keeps what the removal shows. Later crawls do not ask again while just the same is missing.',
    args: { id: t.arg.id({ required: true, description: idArg }) },
    resolve: (_, { id }, { tenon, as }) => rejectRemoval(tenon.ground, as, bare(id)),
  }),
}));

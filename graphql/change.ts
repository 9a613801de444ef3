import { followChanges, readChanges } from '../src/access/audit.ts';
import { CHANGE_KINDS, type Change, type ChangeKind } from '../src/model/change.ts';
import { builder } from './builder.ts';
import { given } from './given.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';

const KINDS: Readonly<Record<ChangeKind, string>> = {
  'database.created': 'A database was made.',
  'database.changed': 'The description or the parameters of a database are others.',
  'database.dropped': 'A database was dropped.',
  'table.created': 'A table is new.',
  'table.changed': 'A table is another: its columns, its location, its description …; `details.diff` tells what of a schema.',
  'table.dropped': 'A table was dropped, or is gone from its source.',
  'partitions.changed': 'Partitions of a table came, went or have other files; `details.partitions` counts them.',
  'connection.created': 'A connection was defined.',
  'connection.changed': 'A connection leads elsewhere, or has another secret.',
  'connection.dropped': 'A connection was dropped.',
  'crawler.defined': 'A crawler was defined, or defined anew.',
  'crawler.dropped': 'A crawler was dropped.',
  'removal.parked': 'A crawl found so much missing that somebody has to approve its removal.',
  'removal.decided': 'Such a removal was approved, rejected, or superseded by a later crawl.',
  'classifier.defined': 'A custom classifier was defined, or defined anew.',
  'classifier.dropped': 'A custom classifier was dropped.',
  'job.defined': 'A job was defined, or defined anew.',
  'job.accepted': 'The current versions of a job’s inputs were accepted.',
  'job.dropped': 'A job was dropped.',
  'principal.created': 'Somebody may come in. Only admins see this.',
  'principal.changed': 'Somebody has another role. Only admins see this.',
  'token.created': 'A token was made. Only admins see this.',
  'token.revoked': 'A token is refused from now on. Only admins see this.',
};

const ChangeKindRef = builder.enumType('ChangeKind', {
  description: 'What happened.',
  values: Object.fromEntries(
    CHANGE_KINDS.map((kind) => [kind.replace('.', '_').toUpperCase(), { value: kind, description: KINDS[kind] }]),
  ),
});

const ActorRef = builder.objectRef<Change['by']>('Actor').implement({
  description: 'Who did something, and for whom.',
  fields: (t) => ({
    principal: t.exposeString('principal', { description: 'The name of the principal.' }),
    owner: t.exposeString('owner', { description: 'What it acted for: `api`, `crawler:<name>` or `job:<name>`.' }),
    runId: t.id({
      nullable: true,
      description: 'The run that it was part of, if any.',
      resolve: ({ runId }) => (runId === undefined ? null : `Run:${runId}`),
    }),
  }),
});

const ChangeRef = builder.objectRef<Change>('Change').implement({
  description: 'One entry of the log: what happened to one thing in one commit.',
  fields: (t) => ({
    position: t.expose('position', { type: 'Position', description: 'Its place in the log; to go on from.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    kind: t.field({ type: ChangeKindRef, description: 'What happened.', resolve: ({ kind }) => kind }),
    subject: t.exposeString('subject', { description: 'What it is about, also after it was renamed or dropped.' }),
    database: t.string({
      nullable: true,
      description: 'The name of the database, if it is about one or something in it.',
      resolve: ({ database }) => database,
    }),
    table: t.string({
      nullable: true,
      description: 'The name of the table, without its database.',
      resolve: ({ table }) => table,
    }),
    by: t.field({ type: ActorRef, description: 'Who did it.', resolve: ({ by }) => by }),
    before: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An object: what it was. Null for something new.',
      resolve: ({ before }) => before ?? null,
    }),
    after: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An object: what it is. Null for something that is gone.',
      resolve: ({ after }) => after ?? null,
    }),
    details: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An object: what the kind has to tell besides.',
      resolve: ({ details }) => details ?? null,
    }),
  }),
});

export const ChangeConnection = builder.connectionObject(
  { type: ChangeRef, name: 'ChangeConnection', description: 'A page of the log.' },
  { name: 'ChangeEdge', description: 'A change in the log. Its cursor is its position.' },
);

const ChangeFilterRef = builder.inputType('ChangeFilter', {
  description: 'Which changes. As in all filters here: all that is given must hold; of a list one value must.',
  fields: (t) => ({
    database: t.string({ description: 'Of this database, or something in it. In lower case.' }),
    table: t.string({ description: 'Of a table of this name, without its database. In lower case.' }),
    subject: t.string({ description: 'About this: the history of one thing.' }),
    kinds: t.field({ type: [ChangeKindRef], description: 'Of one of these kinds.' }),
    runId: t.string({ description: 'Made by this run.' }),
    newestFirst: t.boolean({ description: 'Turns the order around.' }),
  }),
});

/** Runs have the id that the log knows, or the one that the API gives. */
function filterOf(filter: Parameters<typeof given>[0]) {
  const { runId, kinds, ...rest } = given(filter) as { runId?: string; kinds?: string[] };
  return {
    ...rest,
    ...(runId !== undefined && { runId: runId.replace(/^Run:/, '') }),
    // The enum's values are the kinds.
    ...(kinds !== undefined && { kinds: kinds as ChangeKind[] }),
  };
}

builder.queryFields((t) => ({
  changes: t.field({
    type: ChangeConnection,
    description: 'The log, the oldest first.',
    args: { filter: t.arg({ type: ChangeFilterRef, description: 'Which; left out: all.' }), ...pageArgs(t) },
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await readChanges(tenon.ground.db, as, filterOf(args.filter), pageOf(args, tenon.config.limits)), args, same),
  }),
}));

builder.subscriptionFields((t) => ({
  changes: t.field({
    type: ChangeRef,
    description: 'Changes as they are committed, in order, each once. Who comes back with the last position misses nothing.',
    args: {
      filter: t.arg({ type: ChangeFilterRef, description: 'Which; left out: all.' }),
      after: t.arg({ type: 'Position', description: 'Begins after this position; left out: with what comes from now on.' }),
    },
    subscribe: (_, { filter, after }, { tenon, as, signal }) =>
      followChanges(tenon.ground, as, {
        after: after ?? undefined,
        filter: filterOf(filter),
        signal: signal ?? new AbortController().signal,
      }),
    resolve: (change) => change,
  }),
}));

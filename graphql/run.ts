import type { RunError, Run as RunRow, RunState } from '../src/work/run.ts';
import type { RunLogLine } from '../src/work/list.ts';
import { TenonError } from '../src/model/errors.ts';
import { branded } from './branded.ts';
import { builder } from './builder.ts';
import { given } from './given.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';

const STATES: Readonly<Record<RunState, string>> = {
  QUEUED: 'It waits for its turn.',
  RUNNING: 'It is under way.',
  STOPPING: 'Somebody has stopped it, and it is about to notice.',
  SUCCEEDED: 'It did all of it.',
  INCOMPLETE: 'It is done, but something is unknown or parked; `result` says what.',
  BLOCKED: 'It was refused before it read any data, because a table no longer fits the job; `error` says which.',
  FAILED: 'It came to an error; `error` says which.',
  STOPPED: 'It was stopped, and goes on where it was when it is started again.',
};

const RunStateRef = builder.enumType('RunState', {
  description: 'How a run stands. The last five are ends.',
  values: Object.fromEntries(Object.entries(STATES).map(([state, description]) => [state, { description }])) as Record<
    RunState,
    { description: string }
  >,
});

const RunErrorRef = builder.objectRef<{ code: string; message: string; details: Record<string, unknown> }>('RunError').implement({
  description: 'Why a run failed or was refused.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'As in `extensions.code` of the API’s own errors: docs/errors.md lists them.' }),
    message: t.exposeString('message', { description: 'What happened, for people.' }),
    details: t.expose('details', {
      type: 'JSON',
      description: 'An object: what the code has to tell. Of BLOCKED: `table`, `fromVersion`, `toVersion` and `diff`.',
    }),
  }),
});

const RunLogRef = builder.objectRef<RunLogLine>('RunLogLine').implement({
  description: 'A line of a run’s log.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    level: t.exposeString('level', { description: '`debug`, `info`, `warn` or `error`.' }),
    message: t.exposeString('message', { description: 'What happened.' }),
    fields: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An object: what belongs to the message.',
      resolve: ({ fields }) => fields,
    }),
  }),
});

const RunLogConnection = builder.connectionObject(
  { type: RunLogRef, name: 'RunLogConnection', description: 'A page of a run’s log.' },
  { name: 'RunLogEdge', description: 'A line in a log.' },
);

export const RunRef = builder.objectRef<RunRow>('Run');

builder.node(RunRef, {
  description: 'One doing of a crawl or a job.',
  id: { resolve: (run) => run.id },
  loadOne: async (id, { tenon, as }) =>
    branded(
      'Run',
      await tenon.work.find(as, id).catch((error: unknown) => {
        if (error instanceof TenonError && error.code === 'NOT_FOUND') return undefined;
        throw error;
      }),
    ),
  fields: (t) => ({
    kind: t.exposeString('kind', { description: '`crawl` or `job`.' }),
    name: t.exposeString('name', { description: 'Of the crawler or the job.' }),
    state: t.field({ type: RunStateRef, description: 'How it stands.', resolve: ({ state }) => state }),
    params: t.field({ type: 'JSON', description: 'An object: what it was started with.', resolve: ({ params }) => params }),
    attempt: t.exposeInt('attempt', { description: 'How often it was tried: more than once when a process died.' }),
    progress: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An object: how far it is. What is in it depends on the kind.',
      resolve: ({ progress }) => progress,
    }),
    result: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An object: what came of it. Of a crawl: counts, unknowns, the bill; of a job: inputs, outputs, bookmark.',
      resolve: ({ result }) => result,
    }),
    error: t.field({
      type: RunErrorRef,
      nullable: true,
      description: 'Why it ended badly, if it did.',
      resolve: ({ error }) => error as RunError | null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was put into the queue.' }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its first attempt began.',
      resolve: ({ startedAt }) => startedAt,
    }),
    endedAt: t.field({ type: 'DateTime', nullable: true, description: 'When it ended.', resolve: ({ endedAt }) => endedAt }),
    logs: t.field({
      type: RunLogConnection,
      description: 'Its log, the oldest line first.',
      args: pageArgs(t),
      resolve: async ({ id }, args, { tenon, as }) =>
        connectionOf(await tenon.work.logs(as, id, pageOf(args, tenon.config.limits)), args, same),
    }),
  }),
});

const RunConnection = builder.connectionObject(
  { type: RunRef, name: 'RunConnection', description: 'A page of runs.' },
  { name: 'RunEdge', description: 'A run in a list.' },
);

const RunFilterRef = builder.inputType('RunFilter', {
  description: 'Which runs. As in all filters here: all that is given must hold; of a list one value must.',
  fields: (t) => ({
    kind: t.string({ description: '`crawl` or `job`.' }),
    name: t.string({ description: 'Of this crawler or job.' }),
    states: t.field({ type: [RunStateRef], description: 'In one of these states.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Put into the queue then or later.' }),
    createdUntil: t.field({ type: 'DateTime', description: 'Put into the queue before.' }),
    endedFrom: t.field({ type: 'DateTime', description: 'Ended then or later.' }),
    endedUntil: t.field({ type: 'DateTime', description: 'Ended before.' }),
    minSeconds: t.float({ description: 'Took at least so long; one that is under way counts to now.' }),
    maxSeconds: t.float({ description: 'Took so long at most.' }),
  }),
});

/** A run’s id as the API gives it, or as it stands in the log. */
function runIdOf(id: string): string {
  return id.replace(/^Run:/, '');
}

builder.queryFields((t) => ({
  run: t.field({
    type: RunRef,
    description: 'The run of this id. NOT_FOUND when there is none.',
    args: { id: t.arg.id({ required: true, description: 'With or without «Run:» in front.' }) },
    resolve: (_, { id }, { tenon, as }) => tenon.work.find(as, runIdOf(id)),
  }),
  runs: t.field({
    type: RunConnection,
    description: 'Runs, the newest first.',
    args: { filter: t.arg({ type: RunFilterRef, description: 'Which; left out: all.' }), ...pageArgs(t) },
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await tenon.work.list(as, given(args.filter), pageOf(args, tenon.config.limits)), args, same),
  }),
}));

builder.mutationFields((t) => ({
  stopRun: t.field({
    type: RunRef,
    description: 'Stops a run: one that waits at once, one under way as soon as it notices. An ended one stays as it is.',
    args: { id: t.arg.id({ required: true, description: 'With or without «Run:» in front.' }) },
    resolve: (_, { id }, { tenon, as }) => tenon.work.stop(as, runIdOf(id)),
  }),
}));

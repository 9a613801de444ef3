import { acceptJob, defineJob, dropJob, findJob, listJobs, needJob, type DefinedJob } from '../src/etl/jobs.ts';
import { builder } from './builder.ts';
import { inWrite } from './in-write.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';
import { readTexts } from './parameters.ts';
import { RunRef } from './run.ts';

const JobRef = builder.objectRef<DefinedJob>('Job').implement({
  description: 'SQL over tables of the catalog, whose result becomes a table of the catalog.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name. What it publishes carries the owner `job:<name>`.' }),
    description: t.string({
      nullable: true,
      description: 'What somebody wrote about it.',
      resolve: ({ definition }) => definition.description,
    }),
    definition: t.field({ type: 'JSON', description: 'An object: the job file.', resolve: ({ definition }) => definition }),
    parameters: t.field({
      type: ['String'],
      description: 'The names in `${…}`: a run needs a value for each.',
      resolve: ({ parameters }) => [...parameters],
    }),
  }),
});

const JobConnection = builder.connectionObject(
  { type: JobRef, name: 'JobConnection', description: 'A page of jobs.' },
  { name: 'JobEdge', description: 'A job in a list.' },
);

builder.queryFields((t) => ({
  job: t.field({
    type: JobRef,
    nullable: true,
    description: 'The job of this name; null when there is none.',
    args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: (_, { name }, { tenon, as }) => findJob(tenon.ground.db, as, name),
  }),
  jobs: t.field({
    type: JobConnection,
    description: 'All jobs, by name.',
    args: pageArgs(t),
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await listJobs(tenon.ground.db, as, pageOf(args, tenon.config.limits)), args, same),
  }),
}));

const parametersArg = 'An object of texts: a value for each of the job’s parameters.';

builder.mutationFields((t) => ({
  defineJob: t.field({
    type: JobRef,
    description:
      'Makes a job or changes it; the same definition again changes nothing. BAD_JOB lists all mistakes in `details.mistakes`.',
    args: {
      definition: t.arg({ type: 'JSON', required: true, description: 'An object: the job file, with its name in it.' }),
      parameters: t.arg({ type: 'JSON', description: `${parametersArg} With them the SQL can be checked already.` }),
    },
    resolve: (_, { definition, parameters }, { tenon, as }) =>
      defineJob(tenon.jobs, as, definition, readTexts(parameters, 'parameters')),
  }),
  acceptJob: t.field({
    type: JobRef,
    description: 'Takes the tables that a job reads as they are now for good: it is no longer BLOCKED by what changed in them.',
    args: {
      name: t.arg.string({ required: true, description: 'Its name.' }),
      parameters: t.arg({ type: 'JSON', description: parametersArg }),
    },
    resolve: async (_, { name, parameters }, { tenon, as }) =>
      (await acceptJob(tenon.jobs, as, name, readTexts(parameters, 'parameters'))).job,
  }),
  dropJob: t.field({
    type: JobRef,
    description: 'Ends a job, forgets what it has read, and returns it as it was. What it published stays.',
    args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: (_, { name }, context) =>
      inWrite(context, async (w) => {
        const job = await needJob(w.tx, context.as, name);
        await dropJob(w, name);
        return job;
      }),
  }),
  startRun: t.field({
    type: RunRef,
    description:
      'Puts a run of a job into the queue. ALREADY_RUNNING, with `details.runId`, while one of this job waits or runs.',
    args: {
      job: t.arg.string({ required: true, description: 'Its name.' }),
      parameters: t.arg({ type: 'JSON', description: parametersArg }),
    },
    resolve: async (_, { job, parameters }, { tenon, as }) => {
      const { name } = await needJob(tenon.ground.db, as, job);
      return tenon.work.enqueue(as, { kind: 'job', name, params: { parameters: readTexts(parameters, 'parameters') ?? {} } });
    },
  }),
}));

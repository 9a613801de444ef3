import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { TenonError } from '../model/errors.ts';
import type { Client } from './client.ts';
import { moreText, nextOf, nodesOf, pageOptions, type ActContext, type Connection, type Perform } from './command.ts';
import { changesText } from './diff.ts';
import { sizeText } from './output.ts';
import { bareId, exitOf, RUN_FIELDS, startOrJoin, watchRun, type RunAnswer } from './run-progress.ts';
import { plain, textTable } from './text-table.ts';

interface JobAnswer {
  readonly name: string;
  readonly description: string | null;
  readonly parameters: readonly string[];
}

interface ParamOptions {
  readonly param?: readonly string[];
}

export function addJob(program: Command, perform: Perform): void {
  const job = program.command('job').summary('define, run and list jobs');
  withParams(job.command('run').summary('run a job and wait for it'))
    .argument('<job>', 'a job file, or the name of a job')
    .addHelpText('after', '\nExample:\n  tenon job run docs/examples/orders-to-parquet.json --param OUT=/data/out')
    .action(async (source: string, options: ParamOptions, self: Command) => {
      await perform(self, async (client, context) => {
        const defined = await jobFor(client, source, options, context.env);
        const params = { parameters: valuesFor(defined, options, context.env) };
        const run = await startOrJoin(client, () => startRun(client, defined.name, params), params);
        return runOutcome(await watchRun(client, run.id, context.signal), context);
      });
    });
  withParams(job.command('define').summary('define a job, or change it, without running it'))
    .argument('<file>', 'a job file')
    .addHelpText('after', '\nExample:\n  tenon job define nightly.json')
    .action(async (file: string, options: ParamOptions, self: Command) => {
      await perform(self, async (client, { env }) => {
        const { name, description, parameters } = await defineFile(client, file, options, env);
        return { json: { job: { name, description, parameters } }, text: `Defined ${plain(name)}.` };
      });
    });
  withParams(job.command('accept').summary('take the present versions of a job’s inputs for good'))
    .argument('<name>', 'the name of a job')
    .addHelpText('after', '\nExample:\n  tenon job accept nightly')
    .action(async (name: string, options: ParamOptions, self: Command) => {
      await perform(self, async (client, { env }) => {
        const parameters = valuesFor(await needJob(client, name), options, env);
        await client.ask(
          'mutation ($name: String!, $parameters: JSON) { acceptJob(name: $name, parameters: $parameters) { name } }',
          { name, parameters },
        );
        return { json: { job: { name } }, text: `Accepted: ${plain(name)} runs on the tables as they are now.` };
      });
    });
  pageOptions(job.command('list').summary('list the jobs'), 100)
    .addHelpText('after', '\nExample:\n  tenon job list')
    .action(async (_options, self: Command) => {
      const { limit, after } = self.opts<{ limit: number; after?: string }>();
      await perform(self, (client) => listJobs(client, limit, after));
    });
}

async function startRun(client: Client, job: string, params: { parameters: Record<string, string> }): Promise<RunAnswer> {
  const { startRun: run } = await client.ask<{ startRun: RunAnswer }>(
    `mutation ($job: String!, $parameters: JSON) { startRun(job: $job, parameters: $parameters) { ${RUN_FIELDS} } }`,
    { job, ...params },
  );
  return run;
}

function withParams(command: Command): Command {
  return command.option(
    '--param <name=value...>',
    'a value for ${NAME} in the job; what is not given comes from the environment',
  );
}

/** A file is defined (or defined anew, when it has changed) and then meant by its name. */
async function jobFor(client: Client, source: string, options: ParamOptions, env: ActContext['env']): Promise<JobAnswer> {
  return /\.json$|[\\/]/.test(source) ? defineFile(client, source, options, env) : needJob(client, source);
}

async function needJob(client: Client, name: string): Promise<JobAnswer> {
  const { job } = await client.ask<{ job: JobAnswer | null }>(
    'query ($name: String!) { job(name: $name) { name description parameters } }',
    { name },
  );
  if (job === null) throw new TenonError('NOT_FOUND', `There is no job «${plain(name).slice(0, 200)}».`, { job: name });
  return job;
}

async function defineFile(client: Client, file: string, options: ParamOptions, env: ActContext['env']): Promise<JobAnswer> {
  const definition = await readJson(file);
  const named = [...new Set(JSON.stringify(definition).match(/\$\{\w+\}/g) ?? [])].map((text) => text.slice(2, -1));
  const parameters = valuesFor({ parameters: named }, options, env);
  const { defineJob } = await client.ask<{ defineJob: JobAnswer }>(
    'mutation ($definition: JSON!, $parameters: JSON) { defineJob(definition: $definition, parameters: $parameters) { name description parameters } }',
    { definition, parameters },
  );
  return defineJob;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (cause) {
    const why =
      cause instanceof SyntaxError
        ? `it is no JSON: ${cause.message}`
        : ((cause as NodeJS.ErrnoException).code ?? 'unknown error');
    throw new TenonError('BAD_JOB', `The job file ${plain(file)} cannot be read: ${why}.`, { file }, { cause });
  }
}

/** Only what the job names is taken from the environment, and only here: the server's own environment is not the jobs'. */
function valuesFor(
  { parameters }: Pick<JobAnswer, 'parameters'>,
  { param = [] }: ParamOptions,
  env: ActContext['env'],
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of parameters) {
    const value = env[name];
    if (value !== undefined) values[name] = value;
  }
  for (const pair of param) {
    const at = pair.indexOf('=');
    if (at < 1) throw new TenonError('BAD_INPUT', `A parameter is written NAME=value, not «${plain(pair).slice(0, 100)}».`);
    values[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return values;
}

async function listJobs(client: Client, first: number, after: string | undefined) {
  const { jobs } = await client.ask<{ jobs: Connection<JobAnswer> }>(
    'query ($first: Int, $after: String) { jobs(first: $first, after: $after) { edges { node { name description parameters } } pageInfo { hasNextPage endCursor } } }',
    { first, after },
  );
  const found = nodesOf(jobs);
  const next = nextOf(jobs.pageInfo);
  const text = textTable(
    ['job', 'parameters', 'description'],
    found.map(({ name, parameters, description }) => [name, parameters.join(', '), description]),
  );
  return {
    json: { jobs: found, ...(next !== null && { next }) },
    text: (found.length === 0 ? 'There are no jobs yet.' : text) + moreText(next),
  };
}

function runOutcome(run: RunAnswer, { json: asJson }: ActContext) {
  const json = {
    run: {
      id: bareId(run.id),
      job: run.name,
      state: run.state,
      inputs: [],
      outputs: [],
      ...run.result,
      ...(run.error !== null && { error: run.error }),
    },
  };
  if (run.state === 'FAILED' && run.error !== null) {
    const { code, message, details } = run.error;
    throw new TenonError(code as TenonError['code'], message, { ...details, runId: bareId(run.id) });
  }
  return { json, text: asJson ? '' : runText(run), exit: exitOf(run) };
}

interface JobResult {
  readonly inputs?: readonly { table: string; version?: number; files?: number; tracked?: boolean }[];
  readonly outputs?: readonly { table: string; rows: number | string; bytes: number | string; files: number }[];
}

function runText(run: RunAnswer): string {
  const { inputs = [], outputs = [] } = (run.result ?? {}) as JobResult;
  const lines = [`${run.state.toLowerCase()}: ${plain(run.name)}`];
  for (const { table, version, files, tracked } of inputs)
    lines.push(
      `read   ${table}${version === undefined ? '' : ` version ${version}`}: ${files ?? 0} ${tracked === true ? 'new ' : ''}files`,
    );
  for (const { table, rows, files, bytes } of outputs)
    lines.push(`wrote  ${table}: ${rows} rows in ${files} files, ${sizeText(bytes)}`);
  if (run.state === 'BLOCKED' && run.error !== null) lines.push(plain(run.error.message), ...diffLines(run.error.details));
  if (run.state === 'STOPPED') lines.push('Stopped; nothing was published.');
  return lines.join('\n');
}

/** What the gate found, for each input that no longer fits. */
function diffLines(details: Readonly<Record<string, unknown>>): string[] {
  const broken = Array.isArray(details['inputs']) ? (details['inputs'] as Record<string, unknown>[]) : [details];
  return broken.flatMap((input) => {
    if (!Array.isArray(input['diff'])) return [];
    const name = typeof input['table'] === 'string' ? input['table'] : '';
    return [
      `${plain(name)}, version ${String(input['fromVersion'])} → ${String(input['toVersion'])}:`,
      changesText(input['diff'] as Parameters<typeof changesText>[0]),
    ];
  });
}

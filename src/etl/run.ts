import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connections } from '../connections/connections.ts';
import type { Config } from '../config.ts';
import type { Ground } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { parseTableName } from '../model/names.ts';
import { reached } from '../model/reached.ts';
import type { Execute, RunContext, RunEnd } from '../work/run.ts';
import { openAttempt, type Attempt } from './attempt.ts';
import { findBookmark, newFiles, type Bookmark } from './bookmarks.ts';
import { removeAttempts } from './clean-up.ts';
import type { Engine, EngineSession, Input } from './engine.ts';
import { blockedError, brokenInputs, changedInputs, examine, relationOf, type JobInput } from './gate.ts';
import { partitionInputs, type PartitionInput } from './inputs.ts';
import { fillJob, type Job } from './job.ts';
import { findInputs, needJob } from './jobs.ts';
import { outputSchema } from './output-schema.ts';
import type { ParameterValues } from './parameters.ts';
import { outputTable, publish } from './publish.ts';
import type { Stage } from './stage.ts';
import { isInDatabase, stageTable } from './stage-table.ts';
import { bringFiles, type OutputFile } from './upload.ts';

export interface JobRunDeps {
  readonly ground: Ground;
  readonly connections: Connections;
  readonly config: Pick<Config, 'engine' | 'limits'>;
  readonly engine: Engine;
  readonly stage: Stage;
  /** Where runs have their own folders. */
  readonly workDir: string;
  /**
   * Where parameters come from that the run does not give. Nothing, unless the wiring says otherwise: whoever may define a
   * job could read the server's secrets out of its environment.
   */
  readonly environment?: ParameterValues;
}

/**
 * What is done for a run of a job: look at the schemas, take the new files, let the engine write, publish. The run's
 * parameters are `{ parameters?: { NAME: value } }`.
 */
export function createJobRun(deps: JobRunDeps): Execute {
  return async (context) => {
    await mkdir(deps.workDir, { recursive: true });
    const folder = await mkdtemp(join(deps.workDir, `${context.run.id}-`));
    try {
      return await runJob(deps, context, folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

async function runJob(deps: JobRunDeps, context: RunContext, folder: string): Promise<RunEnd> {
  const defined = await needJob(deps.ground.db, context.principal, context.run.name);
  const job = fillJob(defined.definition, { ...deps.environment, ...parametersOfRun(context) });
  const starting: Starting = { deps, context, folder, job, jobId: defined.id };
  try {
    return await gateAndRun(starting);
  } catch (error) {
    if (error instanceof TenonError && error.code === 'BLOCKED') return blocked(error);
    throw error;
  }
}

function openSession({ deps: { engine, config }, context, folder, job }: Starting): EngineSession {
  return engine.open({
    folder,
    memoryLimit: job.limits.memory ?? config.engine.memoryLimit,
    threads: job.limits.threads ?? config.engine.threads,
    timeoutMs: job.limits.timeoutSeconds === undefined ? config.engine.timeoutMs : job.limits.timeoutSeconds * 1_000,
    signal: context.signal,
  });
}

interface Starting {
  readonly deps: JobRunDeps;
  readonly context: RunContext;
  readonly folder: string;
  readonly job: Job;
  readonly jobId: string;
}

interface Running extends Starting {
  readonly session: EngineSession;
}

/** An input with what the run reads of it. */
interface Reading extends JobInput {
  readonly partitions: readonly PartitionInput[];
  readonly bookmark: Bookmark | undefined;
}

/** The schemas first, then the catalog's files, and the engine only when there is something for it to do. */
async function gateAndRun(starting: Starting): Promise<RunEnd> {
  const { deps, context, job, jobId } = starting;
  const { db } = deps.ground;
  const inputs = await findInputs(db, context.principal, job);
  const broken = await brokenInputs(db, context.principal, jobId, inputs);
  if (broken.length > 0) throw blockedError(job.name, broken);
  await outputTable(db, context.principal, job);
  const readings: Reading[] = [];
  for (const input of inputs) readings.push(await reading(starting, input));
  if (isNothingNew(job, readings)) {
    context.log('info', 'Nothing new to read.');
    return { state: 'SUCCEEDED', result: reportOf(job, readings)([], 0) };
  }
  const session = openSession(starting);
  try {
    return await readAndPublish({ ...starting, session }, readings);
  } finally {
    await session.close();
  }
}

function isNothingNew(job: Job, readings: readonly Reading[]): boolean {
  if (!job.bookmark) return false;
  const withFiles = readings.filter(({ table }) => !isInDatabase(table));
  if (withFiles.length > 0) return withFiles.every(({ partitions }) => partitions.length === 0);
  throw new TenonError(
    'BAD_JOB',
    `The job ${job.name} has a bookmark, but no input with files; what a database holds is read whole each time.`,
  );
}

async function readAndPublish(running: Running, readings: readonly Reading[]): Promise<RunEnd> {
  const { deps, context, job, jobId } = running;
  const { columns, pins } = await examineInputs(running, readings);
  const output = outputSchema(await outputTable(deps.ground.db, context.principal, job), columns, job.output.partitionBy);
  const attempt = await openAttempt(deps, context, job, running.folder);
  const files = await writeFiles(running, attempt, readings, output);
  context.log('info', `Wrote ${sum(files.map(({ rows }) => rows))} rows in ${files.length} files.`);
  const report = reportOf(job, readings);
  const publication = {
    jobId,
    job,
    columns,
    files,
    from: [...new Set(readings.map(({ table }) => table.id))],
    pins,
    bookmarks: readings.flatMap(({ bookmark, partitions }) => (bookmark === undefined ? [] : [{ bookmark, read: partitions }])),
    end: ({ partitions }: { partitions: number }): RunEnd => ({ state: 'SUCCEEDED', result: report(files, partitions) }),
  };
  const end = await publish(deps.ground, context, publication, deps.config.limits.transactionRows);
  await removeAttempts(attempt.store, attempt.earlier).catch((error: unknown) =>
    context.log('warn', `Files of an earlier attempt stay for now: ${String(error)}`),
  );
  return end;
}

async function examineInputs(
  { deps, context, job, jobId, session }: Running,
  inputs: readonly JobInput[],
): ReturnType<typeof examine> {
  try {
    return await examine(session, job, inputs);
  } catch (error) {
    // SQL that fitted the versions of the last good run, and fits no longer, is a change of the inputs and not a mistake.
    const changed = await changedInputs(deps.ground.db, context.principal, jobId, inputs);
    if (error instanceof TenonError && error.code === 'BAD_SQL' && changed.length > 0)
      throw blockedError(job.name, changed, error);
    throw error;
  }
}

async function reading(
  { deps, context, job }: Starting,
  input: Awaited<ReturnType<typeof findInputs>>[number],
): Promise<Reading> {
  const { db } = deps.ground;
  if (isInDatabase(input.table)) return { ...input, partitions: [], bookmark: undefined };
  const all = await partitionInputs(input.table, input.partitions);
  if (!(job.inputs[input.alias]?.bookmark ?? job.bookmark))
    return { ...input, partitions: all.filter(({ files }) => files.length > 0), bookmark: undefined };
  const bookmark = await findBookmark(db, { job: job.name, input: input.alias, tableId: input.table.id });
  const partitions = await newFiles(db, bookmark, all);
  const files = partitions.reduce((count, partition) => count + partition.files.length, 0);
  context.log('info', `${input.alias}: ${files} new files in ${partitions.length} of ${all.length} partitions.`);
  return { ...input, partitions, bookmark };
}

async function writeFiles(
  running: Running,
  attempt: Attempt,
  readings: readonly Reading[],
  output: ReturnType<typeof outputSchema>,
): Promise<OutputFile[]> {
  const { deps, context, job, session } = running;
  try {
    const inputs = await stageInputs(running, readings);
    const written = await session.write(
      {
        inputs,
        steps: job.steps,
        folder: attempt.folder,
        fileId: deps.ground.newId(),
        columns: output.written,
        partitionBy: output.keys,
        runId: context.run.id,
      },
      (percent) => context.progress({ phase: 'write', percent }),
    );
    reached('publish.after-write');
    // Without partitions DuckDB writes a file also for no rows. It is wanted only where it takes another one's place.
    const wanted = written.rows === 0n && job.output.mode === 'append' ? [] : written.files;
    const files = await bringFiles(attempt.store, attempt.folder, attempt.address, wanted, context.signal);
    reached('publish.after-upload');
    return files;
  } catch (error) {
    // Nothing of this attempt can have been published: its files go at once.
    await session.close();
    await removeAttempts(attempt.store, [attempt.address]).catch(() => undefined);
    throw error;
  }
}

async function stageInputs({ deps, context, folder }: Running, readings: readonly Reading[]): Promise<Input[]> {
  const staged = join(folder, 'staged');
  await mkdir(staged, { recursive: true });
  const inputs: Input[] = [];
  for (const one of readings) {
    context.progress({ phase: 'stage', input: one.alias });
    const groups = await stageTable(one.table, async () => one.partitions, {
      connections: deps.connections,
      stage: deps.stage,
      folder: staged,
      signal: context.signal,
    });
    inputs.push({ ...relationOf(one), groups });
  }
  await deps.stage.trim();
  return inputs;
}

/** The result of a run, as `tenon job run --json` shows it. Numbers beyond 2^53 do not occur in counts of files. */
function reportOf(job: Job, readings: readonly Reading[]) {
  const inputs = readings.map(({ alias, table, version, partitions, bookmark }) => {
    const files = partitions.flatMap((partition) => partition.files);
    return {
      name: alias,
      table: `${table.database}.${table.name}`,
      version: version.number,
      partitions: partitions.length,
      files: files.length,
      bytes: files.reduce((total, { size }) => total + size, 0),
      tracked: bookmark !== undefined,
    };
  });
  const tracked = inputs.filter((input) => input.tracked);
  return (written: readonly OutputFile[], partitions: number): Record<string, unknown> => ({
    inputs,
    outputs: [
      {
        table: nameOf(job.output.table),
        rows: Number(sum(written.map(({ rows }) => rows))),
        bytes: written.reduce((total, { file }) => total + file.size, 0),
        files: written.length,
        partitions,
      },
    ],
    bookmark: {
      enabled: tracked.length > 0,
      newFiles: tracked.length > 0 ? tracked.reduce((total, { files }) => total + files, 0) : null,
    },
  });
}

function nameOf(text: string): string {
  const { database, table } = parseTableName(text);
  return `${database}.${table}`;
}

function sum(numbers: readonly bigint[]): bigint {
  return numbers.reduce((total, number) => total + number, 0n);
}

function blocked(error: TenonError): RunEnd {
  return { state: 'BLOCKED', error: { code: error.code, message: error.message, details: error.details } };
}

function parametersOfRun({ run }: RunContext): ParameterValues {
  const given: unknown = run.params['parameters'];
  if (typeof given !== 'object' || given === null) return {};
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
}

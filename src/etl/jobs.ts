import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { and, asc, eq, gt, isNull } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import { resolve, type Resolved } from '../catalog/resolve.ts';
import { write, type Write } from '../changes/write.ts';
import type { Config } from '../config.ts';
import type { Db, Ground } from '../db/db.ts';
import { bookmarks, jobs } from '../db/tables/etl.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import type { Engine, EngineSession } from './engine.ts';
import { examine, savePins, type JobInput, type Pin } from './gate.ts';
import { fillJob, parametersOf, parseJob, type Job, type JobDefinition } from './job.ts';
import type { ParameterValues } from './parameters.ts';

/** What defining and accepting a job stand on: the engine says which columns it reads. */
export interface JobDeps {
  readonly ground: Ground;
  readonly engine: Engine;
  readonly config: Pick<Config, 'engine' | 'limits'>;
  /** A folder for what is short-lived. */
  readonly workDir: string;
}

/** A job as it is kept. */
export interface DefinedJob {
  readonly id: string;
  readonly name: string;
  readonly definition: JobDefinition;
  /** The names of its parameters. */
  readonly parameters: readonly string[];
}

/**
 * Makes a job or changes it; the same definition again writes nothing. Pins the present version of each input that is
 * there. Throws BAD_JOB with all mistakes, and BAD_SQL when all inputs are there and the SQL does not fit them.
 */
export async function defineJob(deps: JobDeps, as: Principal, raw: unknown, values: ParameterValues = {}): Promise<DefinedJob> {
  if (JSON.stringify(raw ?? null).length > deps.config.limits.definitionBytes) {
    throw new TenonError('LIMIT', `A job may have ${deps.config.limits.definitionBytes} bytes (definitionBytes).`, {
      limit: 'definitionBytes',
    });
  }
  const definition = parseJob(raw);
  authorize(as, 'write', `the job ${definition.name}`);
  const before = await findJob(deps.ground.db, as, definition.name);
  if (before !== undefined && isDeepStrictEqual(before.definition, definition)) return before;
  const pins = await presentPins(deps, as, definition, values, 'define');
  return write(deps.ground, { principal: as, owner: 'api' }, async (w) => {
    const current = await findJob(w.tx, as, definition.name);
    const id = w.newId();
    const entry = await w.entry({ id });
    if (current !== undefined) await w.tx.update(jobs).set({ ended: entry.position }).where(eq(jobs.id, current.id));
    await w.tx.insert(jobs).values({ id, name: definition.name, definition, added: entry.position });
    await savePins(w.tx, id, pins, w.at);
    entry.note({ kind: 'job.defined', ...(current !== undefined && { before: current.definition }), after: definition });
    return { id, name: definition.name, definition, parameters: parametersOf(definition) };
  });
}

/**
 * Takes the inputs as they are now for good: the job is no longer blocked by what changed in them. Throws NOT_FOUND, and
 * BAD_SQL when the job's SQL does not fit them, for then it could not run anyway.
 */
export async function acceptJob(
  deps: JobDeps,
  as: Principal,
  name: string,
  values: ParameterValues = {},
): Promise<{ job: DefinedJob; pins: readonly Pin[] }> {
  authorize(as, 'write', `the job ${name}`);
  const job = await needJob(deps.ground.db, as, name);
  const pins = await presentPins(deps, as, job.definition, values, 'accept');
  await write(deps.ground, { principal: as, owner: 'api' }, async (w) => {
    const entry = await w.entry({ id: job.id });
    await savePins(w.tx, job.id, pins, w.at);
    entry.note({ kind: 'job.accepted', after: { name: job.name }, details: { inputs: pins } });
  });
  return { job, pins };
}

/** Ends a job, and forgets what it has read: a job of the same name that is made later begins anew. */
export async function dropJob(w: Write, name: string): Promise<void> {
  authorize(w.by.principal, 'write', `the job ${name}`);
  const job = await needJob(w.tx, w.by.principal, name);
  const entry = await w.entry({ id: job.id });
  await w.tx.update(jobs).set({ ended: entry.position }).where(eq(jobs.id, job.id));
  await w.tx.delete(bookmarks).where(eq(bookmarks.jobName, name));
  entry.note({ kind: 'job.dropped', before: job.definition });
}

export async function findJob(db: Db, as: Principal, name: string): Promise<DefinedJob | undefined> {
  authorize(as, 'read', `the job ${name}`);
  const [row] = await db
    .select()
    .from(jobs)
    .where(and(eq(jobs.name, name), isNull(jobs.ended)));
  return row === undefined ? undefined : definedJob(row);
}

export async function needJob(db: Db, as: Principal, name: string): Promise<DefinedJob> {
  const job = await findJob(db, as, name);
  if (job === undefined) throw new TenonError('NOT_FOUND', `There is no job ${name}.`, { job: name });
  return job;
}

/** In the order of their names. */
export async function listJobs(db: Db, as: Principal, page: PageRequest): Promise<Page<DefinedJob>> {
  authorize(as, 'read', 'the jobs');
  const rows = await db
    .select()
    .from(jobs)
    .where(and(isNull(jobs.ended), page.after === undefined ? undefined : gt(jobs.name, page.after)))
    .orderBy(asc(jobs.name))
    .limit(page.first + 1);
  const items = rows.slice(0, page.first).map((row) => ({ cursor: row.name, item: definedJob(row) }));
  return { items, hasNextPage: rows.length > page.first };
}

function definedJob(row: { id: string; name: string; definition: unknown }): DefinedJob {
  const definition = parseJob(row.definition);
  return { id: row.id, name: row.name, definition, parameters: parametersOf(definition) };
}

/** The tables that a job reads, as they are now. Throws NOT_FOUND that names the first one that is not there. */
export async function findInputs(db: Db, as: Principal, job: Job): Promise<(JobInput & Pick<Resolved, 'partitions'>)[]> {
  const found: (JobInput & Pick<Resolved, 'partitions'>)[] = [];
  for (const [alias, { table: name, where }] of Object.entries(job.inputs)) {
    const { table, version, partitions } = await resolve(db, as, name, { predicate: where });
    found.push({ alias, table, version, where, partitions });
  }
  return found;
}

/**
 * While a job is only defined, its inputs may not be there yet and its parameters not be known: then it is pinned when it
 * first runs well. A parameter without a value stands as an empty text.
 */
async function presentPins(
  deps: JobDeps,
  as: Principal,
  definition: JobDefinition,
  values: ParameterValues,
  purpose: 'define' | 'accept',
): Promise<readonly Pin[]> {
  const missing = parametersOf(definition).filter((name) => values[name] === undefined);
  const whole = missing.every(
    (name) =>
      JSON.stringify(definition.output).includes(`\${${name}}`) &&
      !JSON.stringify([definition.inputs, definition.steps]).includes(`\${${name}}`),
  );
  const job = fillJob(
    { ...definition, output: { ...definition.output, table: 'output.output', location: '/', partitionBy: [] } },
    { ...Object.fromEntries(missing.map((name) => [name, ''])), ...values },
  );
  try {
    const inputs = await findInputs(deps.ground.db, as, job);
    return await inSession(deps, async (session) => (await examine(session, job, inputs)).pins);
  } catch (error) {
    const forgivable =
      error instanceof TenonError &&
      (error.code === 'NOT_FOUND' || (!whole && ['BAD_JOB', 'BAD_SQL', 'BAD_INPUT', 'BAD_PREDICATE'].includes(error.code)));
    if (purpose === 'define' && forgivable) return [];
    throw error;
  }
}

async function inSession<T>({ engine, config, workDir }: JobDeps, use: (session: EngineSession) => Promise<T>): Promise<T> {
  await mkdir(workDir, { recursive: true });
  const folder = await mkdtemp(join(workDir, 'examine-'));
  const session = engine.open({ folder, memoryLimit: config.engine.memoryLimit, threads: 1, timeoutMs: 60_000 });
  try {
    return await use(session);
  } finally {
    await session.close();
    await rm(folder, { recursive: true, force: true });
  }
}

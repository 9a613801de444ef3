import { resolve } from 'node:path';
import { z } from 'zod';
import { fileAddress, parseAddress } from '../connections/address.ts';
import { TenonError } from '../model/errors.ts';
import { checkName, foldName, parseTableName } from '../model/names.ts';
import { fillSql, fillText, parametersIn, type ParameterValues } from './parameters.ts';

const MAX_INPUTS = 50;
const MAX_STEPS = 200;
const MAX_SQL_CHARS = 200_000;

/** What inputs and steps are called in SQL. */
const relationName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'must be a plain name: letters, digits and _');

const inputSchema = z.strictObject({
  table: z.string().min(1),
  /** On its partition keys. */
  where: z.string().max(10_000).optional(),
  /** Left out: the job's. A table to look things up in says false: it is read whole each time. */
  bookmark: z.boolean().optional(),
});

const schema = z.strictObject({
  name: z.string().min(1),
  description: z.string().max(10_000).optional(),
  /** By the name that the SQL calls them. */
  inputs: z
    .record(relationName, inputSchema)
    .refine((inputs) => Object.keys(inputs).length <= MAX_INPUTS, `may have ${MAX_INPUTS} inputs at most`),
  /** Reads only files that no published run of the job has read. */
  bookmark: z.boolean().default(false),
  /** Each one SELECT; the last one gives the output. */
  steps: z
    .array(z.strictObject({ name: relationName, sql: z.string().min(1).max(MAX_SQL_CHARS) }))
    .min(1)
    .max(MAX_STEPS),
  output: z.strictObject({
    table: z.string().min(1),
    /** A folder: an absolute path, `file:///…` or `s3://…`. */
    location: z.string().min(1),
    /** Through which connection the location is reached; left out, the AWS environment. */
    connection: z.string().min(1).optional(),
    partitionBy: z.array(z.string().min(1)).max(16).default([]),
    /** `append` adds files to partitions; `overwrite-partitions` replaces the partitions that the run writes. */
    mode: z.enum(['append', 'overwrite-partitions']).default('append'),
    format: z.literal('parquet').default('parquet'),
  }),
  limits: z
    .strictObject({
      memory: z
        .string()
        .regex(/^\d+(\.\d+)? ?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/, 'must be a size like 1GB or 512MiB')
        .optional(),
      timeoutSeconds: z
        .number()
        .positive()
        .max(7 * 86_400)
        .optional(),
      threads: z.number().int().min(1).max(256).optional(),
    })
    .default({}),
});

/** A job as its file says, checked but for its parameters. */
export type JobDefinition = z.output<typeof schema>;
/** A job whose parameters are filled in and whose names and addresses are checked. `output.location` is an address. */
export type Job = JobDefinition;

export interface Mistake {
  /** `steps.0.sql`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Reads a job file. Throws BAD_JOB with every mistake in `details.mistakes`. */
export function parseJob(raw: unknown): JobDefinition {
  const parsed = schema.safeParse(raw);
  const mistakes = (parsed.error?.issues ?? []).map(mistakeOf);
  if (parsed.success) mistakes.push(...doubleNames(parsed.data), ...nameMistakes(parsed.data));
  if (mistakes.length > 0 || !parsed.success) throw badJob(mistakes);
  return parsed.data;
}

/** The names of a job's parameters, sorted. */
export function parametersOf(job: JobDefinition): string[] {
  const { name: _name, description: _description, ...rest } = job;
  return [...new Set(textsOf(rest).flatMap(parametersIn))].sort();
}

/**
 * Fills in the parameters: in SQL and in `where` as literals, elsewhere as text. Throws BAD_JOB that names every missing
 * one, and what is wrong with the result.
 */
export function fillJob(job: JobDefinition, values: ParameterValues): Job {
  const missing = parametersOf(job).filter((name) => values[name] === undefined);
  if (missing.length > 0) {
    const list = missing.map((name) => `\${${name}}`).join(', ');
    throw new TenonError(
      'BAD_JOB',
      `The job ${job.name} needs a value for ${list}: give --param ${missing[0]}=…, or set it in the environment.`,
      { missing },
    );
  }
  const text = (value: string): string => fillText(value, values);
  const mistakes: Mistake[] = [];
  const filled: Job = {
    ...job,
    inputs: Object.fromEntries(
      Object.entries(job.inputs).map(([alias, input]) => [
        alias,
        { ...input, table: text(input.table), ...(input.where !== undefined && { where: fillSql(input.where, values) }) },
      ]),
    ),
    steps: job.steps.map((step) => ({ ...step, sql: fillSql(step.sql, values) })),
    output: {
      ...job.output,
      table: text(job.output.table),
      location: checked(mistakes, 'output.location', () => outputAddress(text(job.output.location))) ?? '',
      partitionBy: job.output.partitionBy.map(text),
    },
  };
  mistakes.push(...tableMistakes(filled));
  if (mistakes.length > 0) throw badJob(mistakes);
  return filled;
}

/** A path becomes a file address. A relative one is meant from where the process runs. */
function outputAddress(location: string): string {
  const address = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(location) ? location : fileAddress(resolve(location));
  const parsed = parseAddress(address);
  if (parsed.scheme === 'file') return fileAddress(parsed.file.replace(/(?<=.)\/+$/, ''));
  return address.replace(/\/+$/, '');
}

function tableMistakes(job: Job): Mistake[] {
  const mistakes: Mistake[] = [];
  const output = checked(mistakes, 'output.table', () => parseTableName(job.output.table));
  for (const [alias, input] of Object.entries(job.inputs)) {
    const name = checked(mistakes, `inputs.${alias}.table`, () => parseTableName(input.table));
    if (name === undefined || output === undefined || name.database !== output.database || name.table !== output.table) continue;
    mistakes.push({ path: `inputs.${alias}.table`, message: 'is the output of the job too; a job cannot read what it writes' });
  }
  return mistakes;
}

function nameMistakes(job: JobDefinition): Mistake[] {
  const mistakes: Mistake[] = [];
  checked(mistakes, 'name', () => checkName(job.name, 'job'));
  return mistakes;
}

function checked<T>(mistakes: Mistake[], path: string, check: () => T): T | undefined {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof TenonError)) throw error;
    mistakes.push({ path, message: error.message });
    return undefined;
  }
}

/** Inputs and steps share one room of names, in which case does not count. */
function doubleNames(job: JobDefinition): Mistake[] {
  const seen = new Set<string>();
  const names = [
    ...Object.keys(job.inputs).map((name) => ({ name, path: `inputs.${name}` })),
    ...job.steps.map(({ name }, index) => ({ name, path: `steps.${index}.name` })),
  ];
  const doubled = names.filter(({ name }) => seen.size === seen.add(foldName(name)).size);
  const keys = new Set<string>();
  const doubledKeys = job.output.partitionBy.flatMap((name, index) =>
    keys.size === keys.add(foldName(name)).size ? [{ name, path: `output.partitionBy.${index}` }] : [],
  );
  return [...doubled, ...doubledKeys].map(({ name, path }) => ({ path, message: `«${name}» is there twice` }));
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}

function mistakeOf(issue: z.core.$ZodIssue): Mistake {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return { path: [...path, issue.keys[0] ?? ''].join('.'), message: `is not known: ${issue.keys.join(', ')}` };
  const nested = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  return { path: path.join('.'), message: (nested ?? issue.message).replace(/^Invalid input: /, '') };
}

function badJob(mistakes: readonly Mistake[]): TenonError {
  const list = mistakes.map(({ path, message }) => `${path || 'the job'}: ${message}`).join('; ');
  return new TenonError('BAD_JOB', `The job has ${mistakes.length} mistake(s): ${list}.`, { mistakes });
}

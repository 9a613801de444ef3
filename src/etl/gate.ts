import { eq, sql } from 'drizzle-orm';
import { findVersion } from '../catalog/versions.ts';
import type { Db } from '../db/db.ts';
import { pins } from '../db/tables/etl.ts';
import { TenonError } from '../model/errors.ts';
import { breaksReader } from '../model/compatibility.ts';
import { foldName } from '../model/names.ts';
import type { Predicate } from '../model/predicate.ts';
import { parsePredicate } from '../model/predicate-parser.ts';
import type { Principal } from '../model/principal.ts';
import type { Column } from '../model/schema.ts';
import { diffSchemas, type SchemaChange } from '../model/schema-diff.ts';
import type { Table, Version } from '../model/table.ts';
import type { Description, EngineSession, Relation } from './engine.ts';
import type { Job } from './job.ts';

/** A table that a job reads, as it is now. */
export interface JobInput {
  readonly alias: string;
  readonly table: Table;
  readonly version: Version;
  readonly where: string | undefined;
}

/** What a job was last good with: the version of an input, and the columns that the job reads of it. */
export interface Pin {
  readonly input: string;
  readonly tableId: string;
  readonly version: number;
  readonly columns: readonly string[];
}

/** Why a job may not run. `fromVersion` is the one it was last good with. */
export interface Broken {
  readonly input: string;
  readonly table: string;
  readonly diff: readonly SchemaChange[];
  readonly fromVersion: number;
  readonly toVersion: number;
}

/** The relation that an input is for the SQL: the table's columns, then its partition keys. */
export function relationOf(input: JobInput): Relation & { readonly keys: number } {
  const { columns, partitionKeys } = input.table.schema;
  const keys = new Set(partitionKeys.map(({ name }) => foldName(name)));
  const all = [...columns.filter(({ name }) => !keys.has(foldName(name))), ...partitionKeys];
  return { name: input.alias, columns: all.map(({ name, type }) => ({ name, type })), keys: partitionKeys.length };
}

/**
 * Compares each input with its pin. A column that the job reads and that was removed, or retyped other than by widening,
 * breaks it; anything else passes. Looks at schemas only.
 */
export function brokenInputs(db: Db, as: Principal, jobId: string, inputs: readonly JobInput[]): Promise<Broken[]> {
  return compareWithPins(db, as, jobId, inputs, (changes, pin) => breaksReader(changes, new Set(pin.columns)));
}

/** The inputs that are not what they were at the pin, whatever has changed. */
export function changedInputs(db: Db, as: Principal, jobId: string, inputs: readonly JobInput[]): Promise<Broken[]> {
  return compareWithPins(db, as, jobId, inputs, (changes) => [...changes]);
}

async function compareWithPins(
  db: Db,
  as: Principal,
  jobId: string,
  inputs: readonly JobInput[],
  choose: (changes: readonly SchemaChange[], pin: Pin) => SchemaChange[],
): Promise<Broken[]> {
  const pinned = new Map((await findPins(db, jobId)).map((pin) => [pin.input, pin]));
  const found: Broken[] = [];
  for (const input of inputs) {
    const pin = pinned.get(input.alias);
    const before = pin && (await findVersion(db, as, pin.tableId, pin.version));
    if (pin === undefined || before === undefined) continue;
    const diff = choose(diffSchemas(before.schema, input.version.schema), pin);
    if (diff.length === 0) continue;
    found.push({
      input: input.alias,
      table: `${input.table.database}.${input.table.name}`,
      diff,
      fromVersion: pin.version,
      toVersion: input.version.number,
    });
  }
  return found;
}

/** The error that says so, for a run that ends as BLOCKED. The details of the first input stand at the top. */
export function blockedError(job: string, broken: readonly Broken[], cause?: TenonError): TenonError {
  const list = broken.map((each) => `${each.table} (${each.diff.map(changeText).join(', ')})`).join('; ');
  const message =
    cause === undefined
      ? `The job ${job} reads columns that have changed: ${list}.`
      : `The inputs of the job ${job} have changed: ${list}. Its SQL does not fit them: ${cause.message}`;
  return new TenonError('BLOCKED', message, { ...broken[0], inputs: broken }, { cause });
}

function changeText({ kind, path, before, after }: SchemaChange): string {
  return kind === 'retyped' ? `${path} retyped from ${String(before)} to ${String(after)}` : `${path} ${kind}`;
}

/** What the job's SQL makes of the inputs as they are now, and the pins that follow from it. Throws BAD_SQL. */
export async function examine(
  session: EngineSession,
  job: Job,
  inputs: readonly JobInput[],
): Promise<Description & { readonly pins: readonly Pin[] }> {
  const relations = inputs.map(relationOf);
  const description = await session.describe({ relations, steps: job.steps });
  const made = inputs.map((input, at) => ({
    input: input.alias,
    tableId: input.table.id,
    version: input.version.number,
    columns: [...new Set([...(description.reads[at] ?? []), ...filterColumns(input)])].sort(),
  }));
  return { ...description, pins: made };
}

/** The keys that an input's own condition reads. */
function filterColumns({ where, table }: JobInput): string[] {
  if (where === undefined) return [];
  const keys = table.schema.partitionKeys;
  return [...keysIn(parsePredicate(where, keys))].flatMap((index) => (keys[index] as Column | undefined)?.name ?? []);
}

function keysIn(predicate: Predicate): Set<number> {
  if (predicate.kind === 'and' || predicate.kind === 'or') return new Set(predicate.items.flatMap((item) => [...keysIn(item)]));
  return predicate.kind === 'not' ? keysIn(predicate.item) : new Set([predicate.key]);
}

function findPins(db: Db, jobId: string): Promise<Pin[]> {
  return db
    .select({ input: pins.input, tableId: pins.tableId, version: pins.version, columns: pins.columns })
    .from(pins)
    .where(eq(pins.jobId, jobId));
}

export async function savePins(tx: Db, jobId: string, made: readonly Pin[], at: Date): Promise<void> {
  if (made.length === 0) return;
  await tx
    .insert(pins)
    .values(made.map((pin) => ({ jobId, ...pin, columns: [...pin.columns], at })))
    .onConflictDoUpdate({
      target: [pins.jobId, pins.input],
      set: {
        tableId: sql`excluded.table_id`,
        version: sql`excluded.version`,
        columns: sql`excluded.columns`,
        at: sql`excluded.at`,
      },
    });
}

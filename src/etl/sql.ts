import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { resolve, type Resolved } from '../catalog/resolve.ts';
import { listTables } from '../catalog/tables.ts';
import type { Config } from '../config.ts';
import type { Connections } from '../connections/connections.ts';
import type { Db, Ground } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { foldName } from '../model/names.ts';
import { orderedKey } from '../model/ordered-value.ts';
import type { Literal, Predicate } from '../model/predicate.ts';
import type { Principal } from '../model/principal.ts';
import type { Column } from '../model/schema.ts';
import { formatType } from '../model/types.ts';
import type { Condition, Engine, EngineSession, Input, NamedTable } from './engine.ts';
import { relationOf } from './gate.ts';
import { partitionInputs } from './inputs.ts';
import type { Stage } from './stage.ts';
import { stageTable } from './stage-table.ts';

export interface SqlDeps {
  readonly ground: Ground;
  readonly connections: Connections;
  readonly engine: Engine;
  readonly stage: Stage;
  readonly config: Pick<Config, 'engine' | 'limits'>;
  readonly workDir: string;
}

export interface SqlOptions {
  /** Rows at most; 1,000 unless told, and never more than `limits.sqlRows`. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SqlResult {
  /** Types in Hive's spelling; in the engine's own for those that Hive has no word for. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** JSON values; see `QueryResult`. */
  readonly rows: readonly (readonly unknown[])[];
  readonly truncated: boolean;
}

const PRESET_ROWS = 1_000;

/**
 * Answers one SELECT over tables of the catalog, named `database.table`. Only files of partitions that its WHERE leaves are
 * fetched. Throws BAD_SQL, NOT_FOUND (with names that are near), FORBIDDEN, DATA_UNREADABLE, TIMEOUT.
 */
export async function runSql(deps: SqlDeps, as: Principal, text: string, options: SqlOptions = {}): Promise<SqlResult> {
  const { engine, config, workDir } = deps;
  await mkdir(workDir, { recursive: true });
  const folder = await mkdtemp(join(workDir, 'sql-'));
  const session = engine.open({
    folder,
    memoryLimit: config.engine.memoryLimit,
    threads: config.engine.threads,
    timeoutMs: config.engine.timeoutMs,
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  try {
    return await answer(deps, as, session, { text, folder, ...options });
  } finally {
    await session.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function answer(
  deps: SqlDeps,
  as: Principal,
  session: EngineSession,
  asked: SqlOptions & { text: string; folder: string },
): Promise<SqlResult> {
  const { limits } = deps.config;
  const { tables } = await session.parse(asked.text);
  const inputs: Input[] = [];
  for (const named of tables) inputs.push(await inputOf(deps, as, named, asked));
  await deps.stage.trim();
  const { columns, rows, truncated } = await session.query({
    inputs,
    steps: [{ name: '', sql: asked.text }],
    maxRows: Math.min(asked.limit ?? PRESET_ROWS, limits.sqlRows),
    maxBytes: limits.sqlBytes,
  });
  return {
    columns: columns.map(({ name, type, engineType }) => ({
      name,
      type: type === undefined ? engineType.toLowerCase() : formatType(type),
    })),
    rows,
    truncated,
  };
}

async function inputOf(
  deps: SqlDeps,
  as: Principal,
  named: NamedTable,
  { folder, signal }: { folder: string; signal?: AbortSignal | undefined },
): Promise<Input> {
  const { db } = deps.ground;
  const whole = await resolveNamed(db, as, named);
  const { table, version } = whole;
  const predicate = pruning(named.conditions, table.schema.partitionKeys);
  const { partitions } =
    predicate === undefined ? whole : await resolve(db, as, `${table.database}.${table.name}`, { predicate });
  const staging = { connections: deps.connections, stage: deps.stage, folder, ...(signal !== undefined && { signal }) };
  const groups = await stageTable(table, () => partitionInputs(table, partitions), staging);
  return { ...relationOf({ alias: named.name, table, version, where: undefined }), schema: named.schema, groups };
}

async function resolveNamed(db: Db, as: Principal, { schema, name }: NamedTable): Promise<Resolved> {
  const full = `${schema}.${name}`;
  try {
    if (schema !== '') return await resolve(db, as, full);
  } catch (error) {
    if (!(error instanceof TenonError) || error.code !== 'NOT_FOUND') throw error;
  }
  const near = await nearNames(db, as, schema, name);
  const hint = near.length === 0 ? 'tenon tables lists what there is' : `did you mean ${near.join(' or ')}?`;
  const message =
    schema === '' ? `«${name}» is not a table's whole name; write database.table: ${hint}` : `There is no table ${full}; ${hint}`;
  throw new TenonError('NOT_FOUND', message, { table: schema === '' ? name : full, near });
}

/** Up to three tables whose names are the wanted one, or differ from it in a few letters. */
async function nearNames(db: Db, as: Principal, schema: string, name: string): Promise<string[]> {
  const { items } = await listTables(db, as, {}, { first: 1_000 });
  const wanted = foldName(schema === '' ? name : `${schema}.${name}`);
  return items
    .map(({ item }) => {
      const full = `${item.database}.${item.name}`;
      return { full, distance: item.name === foldName(name) ? 0 : editDistance(schema === '' ? item.name : full, wanted) };
    })
    .filter(({ distance }) => distance <= Math.max(2, wanted.length / 4))
    .sort((a, b) => a.distance - b.distance || a.full.localeCompare(b.full))
    .slice(0, 3)
    .map(({ full }) => full);
}

/** Letters to insert, remove or replace (Levenshtein 1966), a row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The part of a WHERE that partitions can be chosen by; undefined when there is none. */
export function pruning(conditions: readonly Condition[], keys: readonly Column[]): Predicate | undefined {
  const items = conditions.flatMap((condition): Predicate[] => {
    const key = keys.findIndex(({ name }) => foldName(name) === foldName(condition.column));
    const column = keys[key];
    if (column === undefined) return [];
    const values = condition.values.flatMap((value) => literal(value, column) ?? []);
    const [value] = values;
    if (value === undefined || values.length !== condition.values.length) return [];
    return [
      condition.operator === 'in' ? { kind: 'in', key, values } : { kind: 'compare', key, operator: condition.operator, value },
    ];
  });
  return items.length === 0 ? undefined : { kind: 'and', items };
}

/** Only where the engine compares just as the catalog does: a text with a number, say, it would convert in its own way. */
function literal(value: string | number, { type }: Column): Literal | undefined {
  const text = String(value);
  const fits =
    type.kind === 'string'
      ? typeof value === 'string'
      : type.kind === 'date'
        ? /^\d{4}-\d{2}-\d{2}$/.test(text)
        : ['tinyint', 'smallint', 'int', 'bigint'].includes(type.kind) && /^-?\d{1,15}$/.test(text);
  if (!fits) return undefined;
  try {
    return { text, ordered: orderedKey(text, type) };
  } catch {
    return undefined;
  }
}

/**
 * The process that holds DuckDB: one for each run, so that its memory, its crash and its end are its own. It gets requests
 * from duckdb.ts over the IPC channel and ends when that closes. It imports as little as it can, because every run waits
 * for its start.
 */
import { DuckDBInstance, StatementType, type DuckDBConnection } from '@duckdb/node-api';
import { foldName, quoteIdentifier, quoteLiteral } from '../../model/names.ts';
import type { Description, ParsedQuery, QueryResult, Relation, Step, StepsQuery, Written, WrittenFile } from '../engine.ts';
import { namedTables, refusedFunction } from './duckdb-ast.ts';
import type { ChildSettings, Failure, Grants, Reply, Request, Verb, Verbs } from './duckdb-protocol.ts';
import { readColumns } from './duckdb-reads.ts';
import { fromDuckdbType } from './duckdb-types.ts';
import { toJson } from './duckdb-values.ts';
import { copyStatement, emptyTable, inputView, locatingScans, stepsQuery, type LaidInput } from './duckdb-views.ts';

const PROGRESS_EVERY_MS = 500;

const settings = JSON.parse(process.argv[2] ?? '{}') as ChildSettings;
let current: DuckDBConnection | undefined;

/** An error in SQL, with the step that it is in. */
class SqlError extends Error {
  readonly step: string | undefined;

  constructor(message: string, step: string | undefined, cause?: unknown) {
    super(message, { cause });
    this.step = step;
  }
}

process.on('message', (message) => {
  const request = message as Request;
  if ('interrupt' in request) current?.interrupt();
  else void answer(request);
});
// The parent is gone, or has what it wanted. DuckDB's threads are not waited for.
process.on('disconnect', () => process.exit(0));

async function answer(request: Exclude<Request, { interrupt: true }>): Promise<void> {
  try {
    reply({ id: request.id, value: await run(request) });
  } catch (error) {
    reply({ id: request.id, failure: failureOf(error) });
  }
}

function run(request: Exclude<Request, { interrupt: true }>): Promise<Verbs[Verb]['out']> {
  switch (request.verb) {
    case 'parse':
      return parse(request.body.sql);
    case 'describe':
      return describe(request.body);
    case 'query':
      return query(request.body);
    case 'write':
      return write(request.id, request.body);
  }
}

function reply(message: Reply): void {
  if (process.connected) process.send?.(message);
}

function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return {
    message: message.slice(0, 10_000),
    early: error instanceof SqlError,
    ...(error instanceof SqlError && { step: error.step }),
  };
}

/** A fresh database in memory, locked: SQL can reach what is granted and nothing else, and cannot change that. */
function inLockedDatabase<T>(grants: Grants, use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  return inClosedDatabase(grants, async (connection) => {
    await connection.run('set lock_configuration = true');
    return use(connection);
  });
}

async function inClosedDatabase<T>(grants: Grants, use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(settings.threads),
    memory_limit: settings.memoryLimit,
    temp_directory: settings.temporary,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
  });
  const connection = await instance.connect();
  current = connection;
  try {
    for (const statement of closing(grants)) await connection.run(statement);
    return await use(connection);
  } finally {
    current = undefined;
    connection.closeSync();
    instance.closeSync();
  }
}

const NOTHING: Grants = { folders: [], files: [] };

function closing({ folders, files }: Grants): string[] {
  return [
    `set timezone = 'UTC'`,
    'set enable_progress_bar = true',
    'set enable_progress_bar_print = false',
    `set allowed_directories = [${folders.map((folder) => quoteLiteral(`${folder}/`)).join(', ')}]`,
    `set allowed_paths = [${[...folders, ...files].map(quoteLiteral).join(', ')}]`,
    'set enable_external_access = false',
  ];
}

function parse(sql: string): Promise<ParsedQuery> {
  return inLockedDatabase(NOTHING, async (connection) => ({
    tables: namedTables(await checkedTree(connection, { name: '', sql })),
  }));
}

/** The parse tree of what must be one SELECT that uses no refused function. */
async function checkedTree(connection: DuckDBConnection, step: Step): Promise<unknown> {
  const named = step.name === '' ? undefined : step.name;
  const reader = await connection.runAndReadAll('select json_serialize_sql($sql::varchar)', { sql: step.sql });
  const tree = JSON.parse(String(reader.getRowsJS()[0]?.[0])) as {
    error: boolean;
    error_type?: string;
    error_message?: string;
    statements?: unknown[];
  };
  // DuckDB says of anything else that it «cannot be serialized to json», which tells nobody anything.
  if (tree.error_type === 'not implemented') throw new SqlError('Only a SELECT can stand here.', named);
  if (tree.error) throw new SqlError(tree.error_message ?? 'The SQL cannot be read.', named);
  const count = tree.statements?.length ?? 0;
  if (count !== 1) throw new SqlError(`There must be one SELECT statement, and here are ${count}.`, named);
  const refused = refusedFunction(tree);
  if (refused !== undefined) throw new SqlError(`The function ${refused} cannot be used here.`, named);
  return tree;
}

function describe(body: StepsQuery): Promise<Description> {
  return inClosedDatabase(NOTHING, async (connection) => {
    await createSchemas(connection, body.relations);
    for (const relation of body.relations) await connection.run(emptyTable(relation));
    for (const [index, step] of body.steps.entries()) await bind(connection, body.steps, step, index);
    const sql = stepsQuery(body.steps);
    const prepared = await connection.prepare(sql);
    const columns = Array.from({ length: prepared.columnCount }, (_, index) => ({
      name: prepared.columnName(index),
      type: fromDuckdbType(prepared.columnType(index)),
      engineType: String(prepared.columnType(index)),
    }));
    prepared.destroySync();
    return { columns, reads: await readColumns(connection, sql, body.relations) };
  });
}

/** Binds one step after the other, so that an error names the step that it is in. */
async function bind(connection: DuckDBConnection, steps: readonly Step[], step: Step, index: number): Promise<void> {
  await checkedTree(connection, step);
  try {
    const prepared = await connection.prepare(stepsQuery(steps, index));
    if (prepared.statementType !== StatementType.SELECT) throw new Error('Only a SELECT may stand here.');
    if (prepared.parameterCount > 0) throw new Error('Parameters are written ${NAME}, not ? or $1.');
    prepared.destroySync();
  } catch (error) {
    throw new SqlError(error instanceof Error ? error.message : String(error), step.name === '' ? undefined : step.name, error);
  }
}

async function createSchemas(connection: DuckDBConnection, relations: readonly Relation[]): Promise<void> {
  const names = new Map(relations.flatMap(({ schema }) => (schema === undefined ? [] : [[foldName(schema), schema] as const])));
  // «main» and the like are there already.
  for (const name of names.values()) await connection.run(`create schema if not exists ${quoteIdentifier(name)}`);
}

async function withInputs<T>(
  body: Grants & Pick<Verbs['query']['in'], 'inputs' | 'steps'>,
  use: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  return inLockedDatabase(body, async (connection) => {
    for (const step of body.steps) await checkedTree(connection, step);
    await createSchemas(connection, body.inputs);
    for (const input of body.inputs) await connection.run(inputView(input));
    try {
      return await use(connection);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('Conversion Error')) await locate(connection, body.inputs);
      throw error;
    }
  });
}

/** Throws the error that names file and line, if a reader of text has one. */
async function locate(connection: DuckDBConnection, inputs: readonly LaidInput[]): Promise<void> {
  for (const input of inputs) for (const scan of locatingScans(input)) await connection.run(scan);
}

function query(body: Verbs['query']['in']): Promise<QueryResult> {
  return withInputs(body, async (connection) => {
    const result = await connection.stream(stepsQuery(body.steps));
    const columns = result.columnNames().map((name, index) => ({
      name,
      type: fromDuckdbType(result.columnType(index)),
      engineType: String(result.columnType(index)),
    }));
    const rows: unknown[][] = [];
    let bytes = 0;
    for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
      for (const values of chunk.getRows()) {
        const row = values.map(toJson);
        bytes += JSON.stringify(row).length;
        if (rows.length === body.maxRows || bytes > body.maxBytes) return { columns, rows, truncated: true };
        rows.push(row);
      }
    }
    return { columns, rows, truncated: false };
  });
}

function write(id: number, body: Verbs['write']['in']): Promise<Written> {
  return withInputs(body, async (connection) => {
    const timer = setInterval(
      () => reply({ id, progress: Math.max(0, Math.round(connection.progress.percentage)) }),
      PROGRESS_EVERY_MS,
    );
    try {
      const reader = await connection.runAndReadAll(copyStatement(body));
      const files = reader.getRowObjectsJS().map((row) => writtenFile(row, body.partitionBy));
      return { rows: files.reduce((sum, file) => sum + file.rows, 0n), files };
    } finally {
      clearInterval(timer);
    }
  });
}

/** One row of what RETURN_STATS gives. */
function writtenFile(row: Readonly<Record<string, unknown>>, partitionBy: readonly string[]): WrittenFile {
  const pairs = Array.isArray(row['partition_keys']) ? (row['partition_keys'] as { key: string; value: string | null }[]) : [];
  const values = new Map(pairs.map((pair) => [foldName(pair.key), pair.value]));
  return {
    path: String(row['filename']),
    values: partitionBy.map((name) => values.get(foldName(name)) ?? null),
    rows: BigInt(String(row['count'])),
    bytes: BigInt(String(row['file_size_bytes'])),
  };
}

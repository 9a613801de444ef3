import { isDeepStrictEqual } from 'node:util';
import { TenonError } from '../model/errors.ts';
import { checkName, foldName } from '../model/names.ts';
import { schemaHash, type Column, type Schema } from '../model/schema.ts';
import { formatType } from '../model/types.ts';
import type { Table, TableDraft } from '../model/table.ts';
import { checkText, checkTexts } from './text.ts';

/**
 * A table with more columns, keys included, is refused with LIMIT, so that one row of the log stays a few megabytes. What is
 * read from outside is held to the limits of the configuration before it comes here.
 */
const MAX_COLUMNS = 100_000;

/** The draft as it is to be recorded: names folded, everything checked. Throws BAD_INPUT or LIMIT. */
export function checkDraft(draft: TableDraft): TableDraft {
  const checked = {
    ...draft,
    database: foldName(checkName(draft.database, 'database')),
    name: foldName(checkName(draft.name, 'table')),
  };
  const what = `draft of ${checked.database}.${checked.name}`;
  const { location, format, description, connection, parameters, details } = draft;
  checkTexts([location, format, description, connection, parameters, details], what);
  checkColumns(draft.schema, what);
  return checked;
}

function checkColumns(schema: Schema, what: string): void {
  const all = [...schema.columns, ...schema.partitionKeys];
  if (all.length > MAX_COLUMNS) {
    throw new TenonError('LIMIT', `The ${what} has ${all.length} columns; ${MAX_COLUMNS} are allowed.`, { columns: all.length });
  }
  checkKeys(schema.partitionKeys, what);
  const seen = new Set<string>();
  for (const column of all) {
    checkColumn(column, what);
    if (seen.has(column.name)) {
      throw new TenonError('BAD_INPUT', `The ${what} has two columns «${column.name}».`, { column: column.name });
    }
    seen.add(column.name);
  }
}

/** Predicates name keys in any case, and keys have to have an order. */
function checkKeys(keys: readonly Column[], what: string): void {
  const names = keys.map(({ name }) => foldName(name));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    throw new TenonError('BAD_INPUT', `The ${what} has two partition keys «${twice}», but for their case.`, { column: twice });
  }
  const nested = keys.find(({ type }) => ['array', 'map', 'struct'].includes(type.kind));
  if (nested === undefined) return;
  const message = `The ${what} has the partition key «${nested.name}» of type ${formatType(nested.type)}; only simple types can be keys.`;
  throw new TenonError('UNSUPPORTED', message, { column: nested.name });
}

function checkColumn(column: Column, what: string): void {
  if (column.name === '') throw new TenonError('BAD_INPUT', `The ${what} has a column without a name.`);
  for (const text of [column.name, column.sourceType ?? '', column.comment ?? '', formatType(column.type)]) {
    checkText(text, `column «${column.name.slice(0, 200)}» in the ${what}`);
  }
}

/**
 * What the table becomes with this draft. Left out of a draft, description and parameters stay; so do, for everyone but
 * the API, the comments of columns that the draft names without one: people wrote them, and a source seldom has any.
 */
export function nextTable(current: Table, draft: TableDraft, by: { readonly owner: string }): Table {
  const schema = by.owner === 'api' ? draft.schema : withComments(draft.schema, current.schema);
  return {
    ...current,
    type: draft.type,
    location: draft.location,
    format: draft.format,
    description: draft.description ?? current.description,
    connection: draft.connection,
    parameters: draft.parameters ?? current.parameters,
    details: draft.details ?? current.details,
    schema,
    version: schemaHash(schema) === schemaHash(current.schema) ? current.version : current.version + 1,
  };
}

function withComments(schema: Schema, from: Schema): Schema {
  return {
    columns: commented(schema.columns, from.columns),
    partitionKeys: commented(schema.partitionKeys, from.partitionKeys),
  };
}

function commented(columns: readonly Column[], from: readonly Column[]): Column[] {
  const comments = new Map(from.map((column) => [column.name, column.comment]));
  return columns.map((column) => {
    const comment = column.comment ?? comments.get(column.name);
    return comment === undefined ? column : { ...column, comment };
  });
}

/** Whether there is nothing to write. The schema is compared by the version, which moves with it. */
export function sameTable(a: Table, b: Table): boolean {
  return isDeepStrictEqual(stateOf(a), stateOf(b));
}

function stateOf({ type, location, format, description, connection, parameters, details, version }: Table): unknown[] {
  return [type, location, plain(format), description, connection, plain(parameters), plain(details), version];
}

/** As it comes back from the database: without what is undefined. */
function plain(data: unknown): unknown {
  return data === undefined ? undefined : JSON.parse(JSON.stringify(data));
}

/** The table as the log shows it, before and after a change. */
export function tableToJson(table: Table): Record<string, unknown> {
  const { database, name, type, location, format, description, parameters, details, version, schema } = table;
  const short = (column: Column) => ({ name: column.name, type: formatType(column.type) });
  return {
    database,
    name,
    type,
    ...(location !== undefined && { location }),
    ...(format !== undefined && { format }),
    ...(description !== undefined && { description }),
    parameters,
    ...(details !== undefined && { details }),
    version,
    columns: schema.columns.map(short),
    partitionKeys: schema.partitionKeys.map(short),
  };
}

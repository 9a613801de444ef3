import { foldName, quoteIdentifier, quoteLiteral } from '../../model/names.ts';
import type { Format } from '../../model/schema.ts';
import type { ColumnType } from '../../model/types.ts';
import type { Relation, Step, WritePlan } from '../engine.ts';
import { isStrict, strictValue } from './duckdb-strict.ts';
import { toDuckdbType } from './duckdb-type-text.ts';

/** An input whose files lie in folders that DuckDB can read by one pattern a group; see duckdb-links.ts. */
export interface LaidInput extends Relation {
  readonly keys: number;
  readonly groups: readonly LaidGroup[];
}

export interface LaidGroup {
  readonly format: Format;
  readonly columns: readonly string[];
  /** Absolute, with `*` for the folders of the keys and the names of the files. */
  readonly pattern: string;
  readonly files: number;
}

/** One JSON record may be this long. A CSV record may have DuckDB's 2 MB: more would make it reserve a multiple of that. */
const MAX_JSON_BYTES = 16 * 1_048_576;
/** The json classifier's words for how records stand in a file. */
const JSON_LAYOUTS: Readonly<Record<string, string>> = {
  lines: 'newline_delimited',
  array: 'array',
  concatenated: 'unstructured',
};

/** The name of a partition key in the folders: no column of a file is likely to have it, and it needs no encoding. */
export function keyFolder(index: number): string {
  return `__tenon_key${index}`;
}

function relationName(relation: { readonly schema?: string | undefined; readonly name: string }): string {
  return relation.schema === undefined
    ? quoteIdentifier(relation.name)
    : `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
}

/** An empty table with a relation's columns: enough to bind SQL against. */
export function emptyTable(relation: Relation): string {
  const columns = relation.columns.map((column) => `${quoteIdentifier(column.name)} ${toDuckdbType(column.type)}`);
  return `create table ${relationName(relation)} (${columns.join(', ')})`;
}

/**
 * A view with exactly the relation's columns. Each group of files is read with what its format needs, and an empty typed
 * row set in front of them gives the columns that no file has; the optimizer drops it. Keys come from the folders, so that
 * a condition on one skips files.
 */
export function inputView(input: LaidInput): string {
  const firstKey = input.columns.length - input.keys;
  const source = (index: number): string => (index < firstKey ? (input.columns[index]?.name ?? '') : keyFolder(index - firstKey));
  const empty = input.columns.map((column, index) => `null::${toDuckdbType(column.type)} as ${quoteIdentifier(source(index))}`);
  const parts = [
    `select ${empty.join(', ')} where false`,
    ...input.groups.map((group) => `select ${groupColumns(group, input)} from ${reader(group, input)}`),
  ];
  const columns = input.columns.map(
    (column, index) =>
      `cast(${quoteIdentifier(source(index))} as ${toDuckdbType(column.type)}) as ${quoteIdentifier(column.name)}`,
  );
  return `create view ${relationName(input)} as select ${columns.join(', ')} from (${parts.join(' union all by name ')})`;
}

/** What a group of files has of the relation; Parquet knows its types, text has to be converted with care. */
function groupColumns(group: LaidGroup, input: LaidInput): string {
  if (group.format.name === 'parquet') return '*';
  const types = new Map(input.columns.map(({ name, type }) => [foldName(name), type]));
  const columns = group.columns.map((name) => {
    const type = types.get(foldName(name));
    const column = quoteIdentifier(name);
    if (type === undefined || !isStrict(type)) return column;
    return `${strictValue(column, quoteLiteral(name), type, toDuckdbType(type))} as ${column}`;
  });
  return [...columns, ...Array.from({ length: input.keys }, (_, index) => keyFolder(index))].join(', ');
}

/**
 * For a value that could not be converted: statements that read all text of an input with DuckDB's own conversion. The one
 * that meets the value fails, and says in which file and line.
 */
export function locatingScans(input: LaidInput): string[] {
  const text = input.groups.filter(({ format }) => format.name !== 'parquet');
  return text.map((group) => `select count(columns(*)) from ${reader(group, input, false)}`);
}

function reader(group: LaidGroup, input: LaidInput, strict = true): string {
  const options = [quoteLiteral(group.pattern), ...formatOptions(group, input, strict), ...keyOptions(input)];
  const read = group.format.name === 'json' ? 'read_json' : group.format.name === 'parquet' ? 'read_parquet' : 'read_csv';
  return `${read}(${options.join(', ')})`;
}

function formatOptions(group: LaidGroup, input: LaidInput, strict: boolean): string[] {
  const { format } = group;
  // Left out, DuckDB goes by the name of the file, and a link's name says nothing.
  const compression = format.compression === undefined ? [] : [`compression = ${quoteLiteral(format.compression)}`];
  switch (format.name) {
    case 'parquet':
      // Footers are compared only where there are several: one file may have a column that the next one lacks.
      return group.files > 1 ? ['union_by_name = true'] : [];
    case 'json':
      return [
        `columns = ${typedColumns(group.columns, input, { strict, asText: false })}`,
        `format = ${quoteLiteral(JSON_LAYOUTS[String(format.options?.['layout'])] ?? 'newline_delimited')}`,
        `maximum_object_size = ${MAX_JSON_BYTES}`,
        ...compression,
      ];
    default:
      return [`columns = ${typedColumns(group.columns, input, { strict, asText: true })}`, ...csvOptions(format), ...compression];
  }
}

/** The options that the csv classifier gives; its doc comment says what they mean. */
function csvOptions(format: Format): string[] {
  const options = format.options ?? {};
  const text = (name: string, otherwise: string): string => quoteLiteral(String(options[name] ?? otherwise));
  const nulls = ['', ...(options['null'] === undefined ? [] : [String(options['null'])])];
  return [
    'auto_detect = false',
    `header = ${options['header'] !== false}`,
    `delim = ${text('delimiter', ',')}`,
    `quote = ${text('quote', '"')}`,
    `escape = ${text('escape', '"')}`,
    `encoding = ${text('encoding', 'utf-8')}`,
    `nullstr = [${nulls.map(quoteLiteral).join(', ')}]`,
    `skip = ${Number(options['skip'] ?? 0)}`,
    `null_padding = ${options['padding'] === true}`,
    // With padding, several threads cannot tell where a record begins when a line end stands in quotes.
    `parallel = ${options['padding'] !== true}`,
    ...(options['quotedNulls'] === false ? ['allow_quoted_nulls = false'] : []),
    `strict_mode = ${options['lineEnd'] !== 'mixed'}`,
    ...(options['lineEnd'] === '\r' ? [`new_line = '\\r'`] : []),
  ];
}

/** Text files are read as what the table says, so that a number that became a string keeps the digits it was written with. */
function typedColumns(
  names: readonly string[],
  input: LaidInput,
  { strict, asText }: { strict: boolean; asText: boolean },
): string {
  // Nested values in a CSV are JSON; what DuckDB would read there is its own way of writing them.
  const isNested = (type: ColumnType): boolean => type.kind === 'array' || type.kind === 'map' || type.kind === 'struct';
  const readAs = (type: ColumnType): string => {
    if (strict && isStrict(type)) return 'VARCHAR';
    return asText && isNested(type) ? 'JSON' : toDuckdbType(type);
  };
  const types = new Map(input.columns.map(({ name, type }) => [foldName(name), readAs(type)]));
  return `{${names.map((name) => `${quoteLiteral(name)}: ${quoteLiteral(types.get(foldName(name)) ?? 'VARCHAR')}`).join(', ')}}`;
}

function keyOptions(input: LaidInput): string[] {
  if (input.keys === 0) return ['hive_partitioning = false'];
  const keys = input.columns.slice(input.columns.length - input.keys);
  const types = keys.map((key, index) => `${quoteLiteral(keyFolder(index))}: ${toDuckdbType(key.type)}`);
  return ['hive_partitioning = true', `hive_types = {${types.join(', ')}}`];
}

/** All steps as one statement, up to the one that is asked for. DuckDB evaluates a step once, however often it is named. */
export function stepsQuery(steps: readonly Step[], last: number = steps.length - 1): string {
  const named = steps.slice(0, last).map((step) => `${quoteIdentifier(step.name)} as (\n${statementText(step)}\n)`);
  const final = statementText(steps[last] ?? { name: '', sql: '' });
  // In brackets, since the last step may begin with a WITH of its own.
  return named.length === 0 ? final : `with ${named.join(', ')} from (\n${final}\n)`;
}

function statementText(step: Step): string {
  return step.sql.replace(/[;\s]+$/, '');
}

export function copyStatement(plan: Omit<WritePlan, 'inputs'>): string {
  const columns = plan.columns.map(
    (column) => `cast(${quoteIdentifier(column.name)} as ${toDuckdbType(column.type)}) as ${quoteIdentifier(column.name)}`,
  );
  const select = `select ${columns.join(', ')} from (\n${stepsQuery(plan.steps)}\n)`;
  const options = ['format parquet', 'compression zstd', 'return_stats', `kv_metadata {tenon_run: ${quoteLiteral(plan.runId)}}`];
  if (plan.partitionBy.length === 0)
    return `copy (${select}) to ${quoteLiteral(`${plan.folder}/part-${plan.fileId}.parquet`)} (${options.join(', ')})`;
  options.push(`partition_by (${plan.partitionBy.map(quoteIdentifier).join(', ')})`, `filename_pattern 'part-{uuid}'`);
  return `copy (${select}) to ${quoteLiteral(plan.folder)} (${options.join(', ')})`;
}

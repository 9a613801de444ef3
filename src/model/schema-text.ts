import { TenonError } from './errors.ts';
import type { Column, Schema } from './schema.ts';
import { formatType, parseType } from './types.ts';

/** A column as JSON: its type in Hive's spelling, and nothing for what is not set. */
interface ColumnJson {
  readonly name: string;
  readonly type: string;
  readonly nullable?: boolean;
  readonly sourceType?: string;
  readonly comment?: string;
}

/** What `schemas.content` holds, and what a schema looks like outside. */
export interface SchemaJson {
  readonly columns: readonly ColumnJson[];
  readonly partitionKeys: readonly ColumnJson[];
}

export function schemaToJson(schema: Schema): SchemaJson {
  return { columns: schema.columns.map(columnToJson), partitionKeys: schema.partitionKeys.map(columnToJson) };
}

/** Reads what `schemaToJson` wrote. Throws BAD_INPUT that names the place for anything else. */
export function schemaFromJson(json: unknown): Schema {
  const { columns, partitionKeys } = record(json, 'schema');
  return { columns: columnsFromJson(columns, 'columns'), partitionKeys: columnsFromJson(partitionKeys, 'partitionKeys') };
}

function columnToJson(column: Column): ColumnJson {
  return { ...column, type: formatType(column.type) };
}

/** `at` names the place, for the message: `columns`. */
function columnsFromJson(json: unknown, at: string): Column[] {
  if (!Array.isArray(json)) throw malformed(at, 'a list of columns');
  return json.map((column: unknown, index) => columnFromJson(column, `${at}[${index}]`));
}

function columnFromJson(json: unknown, at: string): Column {
  const { name, type, nullable, sourceType, comment } = record(json, at);
  if (typeof name !== 'string' || name === '') throw malformed(`${at}.name`, 'a text');
  if (typeof type !== 'string') throw malformed(`${at}.type`, 'a type like bigint or array<string>');
  if (nullable !== undefined && typeof nullable !== 'boolean') throw malformed(`${at}.nullable`, 'true or false');
  if (sourceType !== undefined && typeof sourceType !== 'string') throw malformed(`${at}.sourceType`, 'a text');
  if (comment !== undefined && typeof comment !== 'string') throw malformed(`${at}.comment`, 'a text');
  return {
    name,
    type: parseType(type),
    ...(nullable !== undefined && { nullable }),
    ...(sourceType !== undefined && { sourceType }),
    ...(comment !== undefined && { comment }),
  };
}

function record(json: unknown, at: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw malformed(at, 'an object');
  return json as Record<string, unknown>;
}

function malformed(at: string, wanted: string): TenonError {
  return new TenonError('BAD_INPUT', `The schema needs ${wanted} at ${at}.`, { at });
}

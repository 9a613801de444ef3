import type { TableFinding } from '../src/crawl/crawler.ts';
import type { Column } from '../src/model/schema.ts';
import type { Attribute, Constraint, Description, Index, Relation } from './postgres-catalog.ts';
import { tableLocation } from './table-scope.ts';
import { columnType, type PgType } from './postgres-types.ts';

const TYPES: Readonly<Record<string, TableFinding['type']>> = {
  r: 'table',
  p: 'table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
};

export function tableNameOf({ schema, name }: Relation): string {
  return schema === 'public' ? name : `${schema}_${name}`;
}

/** What the catalog keeps of a relation. `address` is the database's; schema and table go behind it, percent-encoded. */
export function tableFinding(
  address: string,
  relation: Relation,
  description: Description,
  types: ReadonlyMap<number, PgType>,
): TableFinding {
  const { oid, schema, name, comment, rows } = relation;
  const attributes = description.attributes.get(oid) ?? [];
  const bytes = Number(relation.bytes);
  return {
    kind: 'table',
    name: tableNameOf(relation),
    type: TYPES[relation.kind] ?? 'table',
    location: tableLocation(address, schema, name),
    format: { name: 'postgres', options: { schema, table: name } },
    columns: attributes.map((attribute) => columnOf(attribute, types)),
    ...(comment !== null && { comment }),
    parameters: parametersOf(relation, attributes, description),
    ...(rows >= 0 && { rows: Math.round(rows) }),
    ...(bytes > 0 && { bytes }),
  };
}

function columnOf(attribute: Attribute, types: ReadonlyMap<number, PgType>): Column {
  const { name, type, modifier, source_type, not_null, comment } = attribute;
  return {
    name,
    type: columnType(types, type, modifier),
    ...(not_null && { nullable: false }),
    sourceType: source_type,
    ...(comment !== null && { comment }),
  };
}

/** Parameters are text, so lists are JSON. Absent where there is nothing to say. */
function parametersOf(
  { oid, partition_key }: Relation,
  attributes: readonly Attribute[],
  described: Description,
): Record<string, string> {
  const constraints = described.constraints.get(oid) ?? [];
  const lists = {
    primaryKey: constraints.find(({ kind }) => kind === 'p')?.columns ?? [],
    uniqueKeys: constraints.filter(({ kind }) => kind === 'u').map(({ columns }) => columns),
    foreignKeys: constraints.filter(({ kind }) => kind === 'f').map(foreignKey),
    indexes: (described.indexes.get(oid) ?? []).map(index),
    identityColumns: attributes.filter(({ identity }) => identity !== '').map(({ name }) => name),
    generatedColumns: attributes.filter(({ generated }) => generated !== '').map(({ name }) => name),
  };
  const written = Object.entries(lists).flatMap(([key, list]) => (list.length > 0 ? [[key, JSON.stringify(list)] as const] : []));
  return { ...Object.fromEntries(written), ...(partition_key !== null && { partitionKey: partition_key }) };
}

function foreignKey({ name, columns, to_schema, to_table, to_columns }: Constraint): object {
  return { name, columns, references: { schema: to_schema, table: to_table, columns: to_columns ?? [] } };
}

function index({ name, unique, definition }: Index): object {
  return { name, unique, definition };
}

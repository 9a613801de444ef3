import type { TableFinding } from '../src/crawl/crawler.ts';
import type { Column } from '../src/model/schema.ts';
import type { ForeignKey, Index as TableIndex, TableDetails } from '../src/model/table-details.ts';
import { boundedText, tableDetails } from './details.ts';
import type { Attribute, Constraint, Description, Index, Relation, Texts } from './postgres-catalog.ts';
import { tableLocation } from './table-scope.ts';
import { columnTypeOf, typesWithin, type PgType } from './postgres-types.ts';

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
  const details = detailsOf(relation, attributes, description, types);
  const bytes = Number(relation.bytes);
  return {
    kind: 'table',
    name: tableNameOf(relation),
    type: TYPES[relation.kind] ?? 'table',
    location: tableLocation(address, schema, name),
    format: { name: 'postgres', options: { schema, table: name } },
    columns: attributes.map((attribute) => columnOf(attribute, types)),
    ...(comment !== null && { comment }),
    ...(details !== undefined && { details }),
    ...(rows >= 0 && { rows: Math.round(rows) }),
    ...(bytes > 0 && { bytes }),
  };
}

function columnOf(attribute: Attribute, types: ReadonlyMap<number, PgType>): Column {
  const { name, source_type, not_null, comment } = attribute;
  return {
    name,
    type: columnTypeOf(types, attribute),
    ...(not_null && { nullable: false }),
    sourceType: source_type,
    ...(comment !== null && { comment }),
  };
}

function detailsOf(
  { oid, parents, server }: Relation,
  attributes: readonly Attribute[],
  described: Description,
  types: ReadonlyMap<number, PgType>,
): TableDetails | undefined {
  const constraints = described.constraints.get(oid) ?? [];
  const texts = described.texts.get(oid);
  const within = new Set(attributes.flatMap(({ type }) => [...typesWithin(types, type)]));
  const own = { domains: domainsOf(within), inherits: parents, server: server ?? '' };
  const source = tableDetails({
    source: Object.fromEntries(Object.entries(own).filter(([, value]) => Object.keys(value).length > 0)),
  });
  return tableDetails({
    primaryKey: constraints.find(({ kind }) => kind === 'p')?.columns ?? [],
    uniqueKeys: constraints.filter(({ kind }) => kind === 'u').map(({ columns }) => columns),
    foreignKeys: constraints.filter(({ kind }) => kind === 'f').map(foreignKey),
    indexes: (described.indexes.get(oid) ?? []).map((index) => indexOf(index, texts)),
    generated: Object.fromEntries(
      attributes.flatMap((one) => (howMade(one, texts) === '' ? [] : [[one.name, howMade(one, texts)]])),
    ),
    enums: Object.fromEntries([...within].flatMap(({ text, labels }) => (labels.length > 0 ? [[text, labels]] : []))),
    definition: boundedText(texts?.definition?.trim()),
    partitionedBy: texts?.partition_key ?? '',
    ...(source !== undefined && { source: { postgres: source.source } }),
  });
}

function domainsOf(types: ReadonlySet<PgType>): Record<string, { base: string; checks: readonly string[] }> {
  return Object.fromEntries(
    [...types].flatMap(({ text, baseText, checks }) => (baseText === null ? [] : [[text, { base: baseText, checks }]])),
  );
}

function howMade({ name, generated, identity }: Attribute, texts: Texts | undefined): string {
  if (identity !== '') return `generated ${identity === 'a' ? 'always' : 'by default'} as identity`;
  if (generated === '') return '';
  return `generated always as (${texts?.generated?.[name] ?? ''}) ${generated === 'v' ? 'virtual' : 'stored'}`;
}

function foreignKey({ name, columns, to_schema, to_table, to_columns }: Constraint): ForeignKey {
  return { name, columns, table: `${to_schema ?? ''}.${to_table ?? ''}`, references: to_columns ?? [] };
}

/** A condition stands behind the last column: it belongs to all of them. */
function indexOf({ name, unique, method, columns, descending }: Index, texts: Texts | undefined): TableIndex {
  const text = texts?.indexes?.[name];
  const written = columns.map((column, i) => `${column ?? text?.columns[i] ?? ''}${descending[i] === true ? ' desc' : ''}`);
  return { name, columns: text?.where ? [...written, `where ${text.where}`] : written, unique, method };
}

import type { TableFinding } from '../src/crawl/crawler.ts';
import type { Column } from '../src/model/schema.ts';
import type { ForeignKey, Index, TableDetails } from '../src/model/table-details.ts';
import { compareBytes } from '../src/connections/byte-order.ts';
import type { Attribute, Cut, Description, IndexPart, KeyColumn, Relation } from './mysql-catalog.ts';
import { enumValues, mysqlType } from './mysql-types.ts';
import { boundedText, tableDetails } from './details.ts';
import { tableLocation } from './table-scope.ts';

/** What the catalog keeps of a table. `server` is `mysql://host:3306`; `name` is what it is to be called. */
export function tableFinding(server: string, relation: Relation, name: string, described: Description): TableFinding {
  const { schema, name: table, kind } = relation;
  const attributes = described.attributes.get(table) ?? [];
  const [facts] = described.facts.get(table) ?? [];
  const isView = kind === 'VIEW';
  const bytes = Number(facts?.bytes ?? 0);
  const rows = isView || facts === undefined || facts.row_count === null ? undefined : Number(facts.row_count);
  const comment = isView ? '' : (facts?.comment ?? '');
  const details = detailsOf(relation, attributes, described);
  return {
    kind: 'table',
    name,
    type: isView ? 'view' : 'table',
    location: tableLocation(server, schema, table),
    format: { name: 'mysql', options: { schema, table } },
    columns: attributes.map(columnOf),
    ...(comment !== '' && { comment }),
    ...(details !== undefined && { details }),
    ...(rows !== undefined && { rows }),
    ...(bytes > 0 && { bytes }),
  };
}

/** Why a table that is there cannot be described, or undefined. A broken view has no columns, a crashed table no engine. */
export function whyUnreadable({ name, kind }: Relation, described: Description): string | undefined {
  const [facts] = described.facts.get(name) ?? [];
  const said = facts?.comment === undefined || facts.comment === '' ? '' : `: ${facts.comment.slice(0, 500)}`;
  if ((described.attributes.get(name) ?? []).length === 0) return `its columns cannot be seen${said}`;
  if (kind !== 'VIEW' && (facts === undefined || facts.engine === null)) return `it cannot be opened${said}`;
  return undefined;
}

function columnOf({ name, kind, type, nullable, comment }: Attribute): Column {
  return {
    name,
    type: mysqlType(kind, type),
    ...(nullable === 'NO' && { nullable: false }),
    sourceType: type,
    ...(comment !== '' && { comment }),
  };
}

function detailsOf({ name }: Relation, attributes: readonly Attribute[], described: Description): TableDetails | undefined {
  const keys = described.keys.get(name) ?? [];
  const indexes = indexesOf(described.indexes.get(name) ?? []);
  const [cut] = described.cuts.get(name) ?? [];
  const [view] = described.views.get(name) ?? [];
  const isPlain = ({ columns, unique }: Index) =>
    unique && columns.every((column) => attributes.some((one) => one.name === column));
  return tableDetails({
    primaryKey: keys.filter(({ key }) => key === 'PRIMARY').map((part) => part.name),
    uniqueKeys: indexes.filter((one) => one.name !== 'PRIMARY' && isPlain(one)).map(({ columns }) => columns),
    foreignKeys: foreignKeys(keys),
    indexes,
    generated: Object.fromEntries(attributes.flatMap((one) => (howMade(one) === '' ? [] : [[one.name, howMade(one)]]))),
    enums: Object.fromEntries(
      attributes.flatMap(({ type }) => (enumValues(type) === undefined ? [] : [[type, enumValues(type) ?? []]])),
    ),
    definition: boundedText(view?.definition),
    partitionedBy: cut === undefined ? '' : cutText(cut),
  });
}

/** `auto_increment`, `as (net * 1.19) stored`, `on update current_timestamp()`. */
function howMade({ extra, expression }: Attribute): string {
  const said = extra.replace(/\b(DEFAULT_GENERATED|INVISIBLE)\b,?/gi, '').trim();
  if (expression === null || expression === '') return said.toLowerCase();
  return `as (${expression}) ${/virtual/i.test(said) ? 'virtual' : 'stored'}`;
}

function foreignKeys(parts: readonly KeyColumn[]): ForeignKey[] {
  const found = new Map<string, { name: string; columns: string[]; table: string; references: string[] }>();
  for (const { key, name, to_schema, to_table, to_column } of parts) {
    if (to_table === null) continue;
    const one = found.get(key) ?? { name: key, columns: [], table: `${to_schema ?? ''}.${to_table}`, references: [] };
    one.columns.push(name);
    one.references.push(to_column ?? '');
    found.set(key, one);
  }
  return [...found.values()].sort((a, b) => compareBytes(a.name, b.name));
}

function indexesOf(parts: readonly IndexPart[]): Index[] {
  const found = new Map<string, { name: string; columns: string[]; unique: boolean; method: string }>();
  for (const { key, name, prefix, direction, not_unique, method, expression } of parts) {
    const one = found.get(key) ?? { name: key, columns: [], unique: Number(not_unique) === 0, method: method.toLowerCase() };
    const column = name ?? `(${expression ?? ''})`;
    one.columns.push(`${column}${prefix === null ? '' : `(${prefix})`}${direction === 'D' ? ' desc' : ''}`);
    found.set(key, one);
  }
  return [...found.values()].sort((a, b) => compareBytes(a.name, b.name));
}

function cutText({ method, expression, submethod, subexpression }: Cut): string {
  const first = `${method} (${(expression ?? '').replaceAll('`', '')})`;
  return submethod === null ? first : `${first}, ${submethod} (${(subexpression ?? '').replaceAll('`', '')})`;
}

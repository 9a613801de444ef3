import { compareBytes } from '../src/connections/byte-order.ts';
import type { PostgresSnapshot } from '../src/connections/connections.ts';
import type { CrawlContext, Finding, TableFinding } from '../src/crawl/crawler.ts';
import { TenonError } from '../src/model/errors.ts';
import type { Column } from '../src/model/schema.ts';
import { MAX_DECIMAL_PRECISION, parseType, simple, type ColumnType, type SimpleKind } from '../src/model/types.ts';
import { boundedText, tableDetails } from './details.ts';
import {
  keyOf,
  readRedshift,
  REDSHIFT_QUERIES,
  type Attribute,
  type RedshiftCatalog,
  type Relation,
} from './redshift-catalog.ts';
import { tableLocation } from './table-scope.ts';

/** The tables of a Redshift, behind the crawler of Postgres: named, located and covered as its are. */
export async function* crawlRedshift(
  address: string,
  snapshot: PostgresSnapshot,
  covers: (path: readonly string[]) => boolean,
  context: CrawlContext,
): AsyncGenerator<Finding> {
  const catalog = await readRedshift(snapshot);
  context.spend({ queries: REDSHIFT_QUERIES });
  const database = decodeURIComponent(address.split('/')[3] ?? '');
  for (const schema of catalog.veiled) yield veiled(schema);
  const relations = catalog.relations.filter(({ schema, name }) => covers([database, schema, name]));
  for (const relation of relations.toSorted(byName)) {
    context.signal.throwIfAborted();
    yield findingOf(address, relation, catalog);
  }
  context.signal.throwIfAborted();
  yield { kind: 'checkpoint', cursor: '', complete: true };
}

function veiled(schema: string): Finding {
  const why = `Only a superuser sees every table of the external schema «${schema}», so none of it can be found missing.`;
  return { kind: 'unknown', path: schema, error: new TenonError('SOURCE_DENIED', why) };
}

function byName(a: Relation, b: Relation): number {
  return compareBytes(a.schema, b.schema) || compareBytes(a.name, b.name);
}

const TYPES: Readonly<Record<string, TableFinding['type']>> = { v: 'view', m: 'materialized view', x: 'foreign table' };

function findingOf(address: string, relation: Relation, catalog: RedshiftCatalog): Finding {
  const { schema, name, kind, comment } = relation;
  const key = keyOf(schema, name);
  const called = schema === 'public' ? name : `${schema}_${name}`;
  const columns = (catalog.attributes.get(key) ?? []).map((attribute) => columnOf(attribute, kind === 'x'));
  if (columns.length === 0) {
    const error = new TenonError('SOURCE_DENIED', `${address}: «${schema}.${name}» is there, but its columns may not be seen.`);
    return { kind: 'unknown', path: called, error };
  }
  const [size] = catalog.sizes.get(key) ?? [];
  const details = detailsOf(key, catalog);
  return {
    kind: 'table',
    name: called,
    type: TYPES[kind] ?? 'table',
    location: tableLocation(address, schema, name),
    format: { name: 'redshift', options: { schema, table: name } },
    columns,
    ...(comment !== null && { comment }),
    ...(details !== undefined && { details }),
    ...(size?.rows !== null && size?.rows !== undefined && { rows: Number(size.rows) }),
    ...(size?.megabytes !== null && size?.megabytes !== undefined && { bytes: Number(size.megabytes) * 1_048_576 }),
  };
}

function detailsOf(key: string, catalog: RedshiftCatalog) {
  const spread = catalog.spread.get(key) ?? [];
  const [external] = catalog.externals.get(key) ?? [];
  const sorted = spread.filter(({ sortkey }) => sortkey !== 0).sort((a, b) => Math.abs(a.sortkey) - Math.abs(b.sortkey));
  const parts = (catalog.attributes.get(key) ?? []).filter(({ part_key }) => Number(part_key ?? 0) > 0);
  const own = {
    diststyle: catalog.sizes.get(key)?.[0]?.diststyle ?? undefined,
    distkey: spread.find(({ distkey }) => distkey)?.name,
    // A negative number means that the keys are interleaved.
    ...(sorted.length > 0 && {
      sortkey: sorted.map(({ name }) => name),
      sortstyle: sorted.some(({ sortkey }) => sortkey < 0) ? 'interleaved' : 'compound',
    }),
    ...(spread.length > 0 && { encoding: Object.fromEntries(spread.map(({ name, encoding }) => [name, encoding ?? 'none'])) }),
    ...(external !== undefined && {
      external: { location: external.location, inputFormat: external.input_format, serde: external.serde },
    }),
  };
  return tableDetails({
    primaryKey: (catalog.keys.get(key) ?? []).map(({ name }) => name),
    definition: boundedText(catalog.views.get(key)?.[0]?.definition.trim()),
    partitionedBy: parts.length === 0 ? '' : `(${parts.map(({ name }) => name).join(', ')})`,
    source: Object.values(own).some((value) => value !== undefined)
      ? { redshift: JSON.parse(JSON.stringify(own)) as unknown }
      : {},
  });
}

function columnOf(attribute: Attribute, external: boolean): Column {
  const { name, nullable, comment } = attribute;
  return {
    name,
    type: external ? externalType(attribute.type) : columnType(attribute),
    ...(/^(no|false)$/i.test(nullable ?? '') && { nullable: false }),
    sourceType: sourceType(attribute),
    ...(comment !== null && comment !== '' && { comment }),
  };
}

const SIMPLE: Readonly<Record<string, SimpleKind>> = {
  smallint: 'smallint',
  integer: 'int',
  bigint: 'bigint',
  real: 'float',
  'double precision': 'double',
  boolean: 'boolean',
  date: 'date',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  'binary varying': 'binary',
  varbyte: 'binary',
};

/** As for Postgres: what has no exact counterpart (super, geometry, hllsketch, time) is a string of what the server writes. */
function columnType({ type, precision, scale }: Attribute): ColumnType {
  if (type !== 'numeric' && type !== 'decimal') return simple(SIMPLE[type] ?? 'string');
  const digits = Number(precision ?? 18);
  return digits > MAX_DECIMAL_PRECISION ? simple('string') : { kind: 'decimal', precision: digits, scale: Number(scale ?? 0) };
}

/** Spectrum has Hive's types, as we do. */
function externalType(text: string): ColumnType {
  try {
    return parseType(text);
  } catch {
    return simple('string');
  }
}

function sourceType({ type, precision, scale, length }: Attribute): string {
  if (type === 'numeric' && precision !== null) return `numeric(${precision},${scale ?? 0})`;
  return type.startsWith('character') && length !== null ? `${type}(${length})` : type;
}

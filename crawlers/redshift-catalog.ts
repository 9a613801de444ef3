import type { PostgresSnapshot } from '../src/connections/connections.ts';
import { quoteIdentifier } from '../src/model/names.ts';

/**
 * What Redshift says about itself. It speaks as a Postgres 8 does, but has no arrays to ask with and no savepoints, and its
 * tables have what no Postgres has: how rows are spread and sorted, and tables that lie in S3 («Spectrum»). `pg_class` is whole
 * for everybody, the `svv_` views show what one may touch: a table that is only in the first is there and unknown.
 */
export interface Relation {
  readonly schema: string;
  readonly name: string;
  /** `r` table, `v` view, `m` materialized view; `x` for one that lies in S3. */
  readonly kind: string;
  readonly comment: string | null;
}

export interface Attribute {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly length: number | null;
  readonly nullable: string | null;
  readonly comment: string | null;
  /** Of a table in S3: the place among the partition keys, else 0. */
  readonly part_key: number | null;
}

interface Named {
  readonly schema: string;
  readonly table: string;
}

interface Spread extends Named {
  readonly name: string;
  readonly encoding: string | null;
  readonly distkey: boolean;
  readonly sortkey: number;
}

interface Size extends Named {
  readonly diststyle: string | null;
  readonly rows: number | null;
  readonly megabytes: number | null;
}

interface External extends Named {
  readonly location: string | null;
  readonly input_format: string | null;
  readonly serde: string | null;
}

interface Key extends Named {
  readonly name: string;
}

interface View extends Named {
  readonly definition: string;
}

/** All of a database at once: there are no arrays to ask for some tables with. */
export interface RedshiftCatalog {
  readonly relations: readonly Relation[];
  /** External schemas of which nothing can be found missing: only a superuser sees all that is in them. */
  readonly veiled: readonly string[];
  readonly attributes: ReadonlyMap<string, readonly Attribute[]>;
  readonly spread: ReadonlyMap<string, readonly Spread[]>;
  readonly sizes: ReadonlyMap<string, readonly Size[]>;
  readonly externals: ReadonlyMap<string, readonly External[]>;
  readonly keys: ReadonlyMap<string, readonly Key[]>;
  readonly views: ReadonlyMap<string, readonly View[]>;
}

export const REDSHIFT_QUERIES = 11;

export async function isRedshift(snapshot: PostgresSnapshot): Promise<boolean> {
  const [row] = await snapshot.query<{ version: string }>('select version() as version');
  return row?.version.includes('Redshift') === true;
}

export function keyOf(schema: string, table: string): string {
  return JSON.stringify([schema, table]);
}

export async function readRedshift(snapshot: PostgresSnapshot): Promise<RedshiftCatalog> {
  const local = await snapshot.query<Relation>(LOCAL);
  const externals = await snapshot.query<External>(EXTERNALS);
  const schemas = await snapshot.query<{ schema: string }>(EXTERNAL_SCHEMAS);
  const [user] = await snapshot.query<{ superuser: boolean }>(SUPERUSER);
  const outside = externals.map(({ schema, table }): Relation => ({ schema, name: table, kind: 'x', comment: null }));
  const columns = [...(await snapshot.query<Attribute>(ATTRIBUTES)), ...(await snapshot.query<Attribute>(EXTERNAL_COLUMNS))];
  // `pg_table_def` shows what is in the search path.
  const names = [...new Set(local.map(({ schema }) => schema))];
  if (names.length > 0) await snapshot.query(`set search_path to ${names.map(quoteIdentifier).join(', ')}`);
  const spread = await snapshot.query<Spread>(SPREAD);
  const keys = await snapshot.query<Key>(KEYS);
  const views = await snapshot.query<View>(VIEWS);
  return {
    relations: [...local, ...outside],
    veiled: user?.superuser === true ? [] : schemas.map(({ schema }) => schema),
    attributes: group(columns),
    spread: group(spread),
    sizes: group(await sizes(snapshot)),
    externals: group(externals),
    keys: group(keys),
    views: group(views),
  };
}

/** Only for superusers, unless they let others: a table is none the less for it. */
async function sizes(snapshot: PostgresSnapshot): Promise<Size[]> {
  try {
    return await snapshot.attempt<Size>(SIZES);
  } catch (error) {
    if ((error as { code?: string }).code === 'SOURCE_DENIED') return [];
    throw error;
  }
}

function group<Row extends Named>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row.schema, row.table);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

const SYSTEM = `('information_schema', 'pg_catalog', 'pg_internal', 'pg_auto_copy', 'pg_automv', 'pg_mv', 'pg_s3', 'catalog_history')`;

const LOCAL = `
  select n.nspname as "schema", c.relname as name, c.relkind::text as kind, obj_description(c.oid, 'pg_class') as comment
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'v', 'm') and n.nspname not in ${SYSTEM} and n.nspname not like 'pg\\\\_temp%' and n.nspname not like 'pg\\\\_toast%'`;

const EXTERNALS = `
  select schemaname as "schema", tablename as "table", location, input_format, serialization_lib as serde
  from svv_external_tables`;

const EXTERNAL_SCHEMAS = `select schemaname as "schema" from svv_external_schemas`;

const SUPERUSER = `select usesuper as superuser from pg_catalog.pg_user where usename = current_user`;

const ATTRIBUTES = `
  select table_schema as "schema", table_name as "table", column_name as name, data_type as type, numeric_precision as precision,
         numeric_scale as scale, character_maximum_length as length, is_nullable as nullable, remarks as comment, null as part_key
  from svv_columns where table_schema not in ${SYSTEM}
  order by table_schema, table_name, ordinal_position`;

const EXTERNAL_COLUMNS = `
  select schemaname as "schema", tablename as "table", columnname as name, external_type as type, null as precision, null as scale,
         null as length, is_nullable as nullable, null as comment, part_key
  from svv_external_columns order by schemaname, tablename, columnnum`;

const SPREAD = `
  select schemaname as "schema", tablename as "table", "column" as name, encoding, distkey, sortkey
  from pg_table_def where schemaname not in ${SYSTEM}`;

const SIZES = `
  select "schema", "table", diststyle, tbl_rows as rows, size as megabytes from svv_table_info`;

const KEYS = `
  select k.table_schema as "schema", k.table_name as "table", k.column_name as name
  from information_schema.table_constraints c join information_schema.key_column_usage k
    on k.constraint_schema = c.constraint_schema and k.constraint_name = c.constraint_name and k.table_name = c.table_name
  where c.constraint_type = 'PRIMARY KEY' order by k.table_schema, k.table_name, k.ordinal_position`;

const VIEWS = `select schemaname as "schema", viewname as "table", definition from pg_catalog.pg_views where schemaname not in ${SYSTEM}`;

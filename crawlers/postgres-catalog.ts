import type { PostgresSnapshot } from '../src/connections/connections.ts';
import type { PgType } from './postgres-types.ts';
import type { Filter } from './table-paths.ts';

/**
 * What Postgres says about itself, from `pg_catalog`: complete and the same for every reader, where `information_schema`
 * leaves out what the user may not touch, which would look like a removal. Sizes are those of the last vacuum or analyze:
 * asking the files would wait for locks.
 */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly comment: string | null;
  /** -1 where nobody has counted yet. */
  readonly rows: number;
  readonly bytes: string;
  readonly partition_key: string | null;
}

export interface Attribute {
  readonly relation: number;
  readonly name: string;
  readonly type: number;
  readonly modifier: number;
  readonly source_type: string;
  readonly not_null: boolean;
  readonly generated: string;
  readonly identity: string;
  readonly comment: string | null;
}

export interface Constraint {
  readonly relation: number;
  readonly name: string;
  readonly kind: 'p' | 'f' | 'u';
  readonly columns: readonly string[];
  readonly to_schema: string | null;
  readonly to_table: string | null;
  readonly to_columns: readonly string[] | null;
}

export interface Index {
  readonly relation: number;
  readonly name: string;
  readonly unique: boolean;
  readonly definition: string;
}

/** Tables, partitioned tables (the parents only), views, materialized views and foreign tables, in byte order of schema and name. */
export function listRelations(snapshot: PostgresSnapshot, schemas: Filter, tables: Filter): Promise<Relation[]> {
  return snapshot.query<Relation>(
    RELATIONS,
    [schemas.include, schemas.exclude, tables.include, tables.exclude].map((all) => all.map(likePattern)),
  );
}

export async function describe(snapshot: PostgresSnapshot, relations: readonly Relation[]): Promise<Description> {
  const oids = relations.map(({ oid }) => oid);
  const attributes = await snapshot.attempt<Attribute>(ATTRIBUTES, [oids]);
  const constraints = await snapshot.attempt<Constraint>(CONSTRAINTS, [oids]);
  const indexes = await snapshot.attempt<Index>(INDEXES, [oids]);
  return { attributes: group(attributes), constraints: group(constraints), indexes: group(indexes) };
}

export interface Description {
  readonly attributes: ReadonlyMap<number, readonly Attribute[]>;
  readonly constraints: ReadonlyMap<number, readonly Constraint[]>;
  readonly indexes: ReadonlyMap<number, readonly Index[]>;
}

/** Adds the types that are missing, and those that they are made of. Returns how many questions that took. */
export async function completeTypes(
  snapshot: PostgresSnapshot,
  types: Map<number, PgType>,
  wanted: Iterable<number>,
): Promise<number> {
  let missing = [...new Set(wanted)].filter((oid) => !types.has(oid));
  let queries = 0;
  while (missing.length > 0) {
    queries += 1;
    const found = await snapshot.attempt<PgType>(TYPES, [missing]);
    for (const type of found) types.set(type.oid, type);
    const next = found.flatMap((type) => [type.element, type.base, ...type.fields.map((field) => field.type)]);
    const asked = new Set(missing);
    missing = [...new Set(next)].filter((oid) => oid !== 0 && !types.has(oid) && !asked.has(oid));
  }
  return queries;
}

function group<Row extends { readonly relation: number }>(rows: readonly Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const known = groups.get(row.relation);
    if (known === undefined) groups.set(row.relation, [row]);
    else known.push(row);
  }
  return groups;
}

/** Only `%` is a wildcard: an underscore is too frequent in names to be one. */
function likePattern(pattern: string): string {
  return pattern.replaceAll(/[\\_]/g, String.raw`\$&`);
}

const RELATIONS = `
  select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
         pg_catalog.obj_description(c.oid, 'pg_class') as comment,
         c.reltuples::float8 as rows, pg_catalog.pg_get_partkeydef(c.oid) as partition_key,
         (pg_catalog.current_setting('block_size')::int8 * case c.relkind when 'p' then (
           with recursive below as (
             select c.oid as oid
             union all
             select i.inhrelid from pg_catalog.pg_inherits i join below on below.oid = i.inhparent
           ) select coalesce(sum(part.relpages), 0)::int8 from below join pg_catalog.pg_class part on part.oid = below.oid
         ) else c.relpages::int8 end)::text as bytes
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and (cardinality($1::text[]) = 0 or n.nspname like any ($1::text[])) and not n.nspname like any ($2::text[])
    and (cardinality($3::text[]) = 0 or c.relname like any ($3::text[])) and not c.relname like any ($4::text[])
  order by n.nspname collate "C", c.relname collate "C"`;

const ATTRIBUTES = `
  select a.attrelid::int8::float8 as relation, a.attname as name, a.atttypid::int8::float8 as type, a.atttypmod as modifier,
         pg_catalog.format_type(a.atttypid, a.atttypmod) as source_type,
         a.attnotnull or coalesce(t.typtype = 'd' and t.typnotnull, false) as not_null,
         a.attgenerated::text as generated, a.attidentity::text as identity,
         pg_catalog.col_description(a.attrelid, a.attnum) as comment
  from pg_catalog.pg_attribute a left join pg_catalog.pg_type t on t.oid = a.atttypid
  where a.attrelid = any ($1::oid[]) and a.attnum > 0 and not a.attisdropped
  order by a.attrelid, a.attnum`;

const CONSTRAINTS = `
  select c.conrelid::int8::float8 as relation, c.conname as name, c.contype::text as kind,
         array(select a.attname::text from unnest(c.conkey) with ordinality k(num, ord)
               join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num order by k.ord) as columns,
         n.nspname as to_schema, t.relname as to_table,
         case when c.confrelid <> 0 then
           array(select a.attname::text from unnest(c.confkey) with ordinality k(num, ord)
                 join pg_catalog.pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.num order by k.ord) end as to_columns
  from pg_catalog.pg_constraint c
  left join pg_catalog.pg_class t on t.oid = c.confrelid left join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  where c.conrelid = any ($1::oid[]) and c.contype in ('p', 'f', 'u')
  order by c.conrelid, c.conname collate "C"`;

const INDEXES = `
  select i.indrelid::int8::float8 as relation, c.relname as name, i.indisunique as unique, pg_catalog.pg_get_indexdef(i.indexrelid) as definition
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
  where i.indrelid = any ($1::oid[])
  order by i.indrelid, c.relname collate "C"`;

const TYPES = `
  select t.oid::int8::float8 as oid, t.typname as name, t.typnamespace = 'pg_catalog'::regnamespace as builtin, t.typtype::text as kind,
         case when e.typarray = t.oid then t.typelem::int8::float8 else 0 end as element,
         t.typbasetype::int8::float8 as base, t.typtypmod as "baseModifier",
         coalesce((select json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int8, 'modifier', a.atttypmod) order by a.attnum)
           from pg_catalog.pg_attribute a where t.typrelid <> 0 and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '[]') as fields
  from pg_catalog.pg_type t left join pg_catalog.pg_type e on e.oid = t.typelem
  where t.oid = any ($1::oid[])`;

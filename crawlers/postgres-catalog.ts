import type { PostgresSnapshot } from '../src/connections/connections.ts';
import { TenonError } from '../src/model/errors.ts';
import type { Filter } from './like.ts';
import type { PgType } from './postgres-types.ts';

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
  /** `schema.table` of what it inherits from. */
  readonly parents: readonly string[];
  /** Of a foreign table: the server it leads to, and by what. */
  readonly server: string | null;
}

export interface Attribute {
  readonly relation: number;
  readonly name: string;
  readonly type: number;
  readonly modifier: number;
  /** As declared; Postgres does not hold anybody to it. */
  readonly dimensions: number;
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
  readonly method: string;
  /** Null for an expression. */
  readonly columns: readonly (string | null)[];
  readonly descending: readonly boolean[];
  /** It has an expression or a condition, which is in `texts`. */
  readonly written: boolean;
}

/** What Postgres writes out of its trees. */
export interface Texts {
  readonly relation: number;
  readonly definition: string | null;
  readonly partition_key: string | null;
  readonly generated: Readonly<Record<string, string>> | null;
  /** By index: every column as text, and the condition. */
  readonly indexes: Readonly<Record<string, { columns: readonly string[]; where: string | null }>> | null;
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
  const attributes = group(await snapshot.attempt<Attribute>(ATTRIBUTES, [oids]));
  const constraints = group(await snapshot.attempt<Constraint>(CONSTRAINTS, [oids]));
  const indexes = group(await snapshot.attempt<Index>(INDEXES, [oids]));
  const written = relations.filter(
    ({ oid, kind }) =>
      kind === 'v' ||
      kind === 'm' ||
      kind === 'p' ||
      attributes.get(oid)?.some(({ generated }) => generated !== '') ||
      indexes.get(oid)?.some((index) => index.written),
  );
  const texts = new Map<number, Texts>();
  const unknown = new Map<number, TenonError>();
  await readTexts(
    snapshot,
    written.map(({ oid }) => oid),
    texts,
    unknown,
  );
  return { attributes, constraints, indexes, texts, unknown };
}

export interface Description {
  readonly attributes: ReadonlyMap<number, readonly Attribute[]>;
  readonly constraints: ReadonlyMap<number, readonly Constraint[]>;
  readonly indexes: ReadonlyMap<number, readonly Index[]>;
  readonly texts: ReadonlyMap<number, Texts>;
  /** Relations of which something could not be read. */
  readonly unknown: ReadonlyMap<number, TenonError>;
}

/** How long to wait for somebody who has a table to himself. */
const LOCK_TIMEOUT_MS = 250;
/** After so many tables that are held, no more are tried: waiting for each would take long. */
const MAX_HELD = 20;

/**
 * To write out a tree, Postgres opens the table, for which it waits for who has it to himself. So it is asked with little
 * patience, and the (weak) locks are given back at once. Who holds one table must not make the others unknown: what fails
 * is asked again in halves.
 */
async function readTexts(
  snapshot: PostgresSnapshot,
  oids: readonly number[],
  texts: Map<number, Texts>,
  unknown: Map<number, TenonError>,
): Promise<void> {
  const [first] = oids;
  if (first === undefined) return;
  if (unknown.size >= MAX_HELD) {
    for (const oid of oids) unknown.set(oid, new TenonError('TIMEOUT', 'Too many tables are locked by others; try again later.'));
    return;
  }
  try {
    for (const row of await snapshot.peek<Texts>(TEXTS, [oids], LOCK_TIMEOUT_MS)) texts.set(row.relation, row);
  } catch (error) {
    if (!(error instanceof TenonError) || error.code === 'SOURCE_UNAVAILABLE') throw error;
    if (oids.length === 1) {
      unknown.set(first, error);
      return;
    }
    const half = Math.ceil(oids.length / 2);
    await readTexts(snapshot, oids.slice(0, half), texts, unknown);
    await readTexts(snapshot, oids.slice(half), texts, unknown);
  }
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
         c.reltuples::float8 as rows,
         array(select pn.nspname || '.' || pc.relname from pg_catalog.pg_inherits i join pg_catalog.pg_class pc on pc.oid = i.inhparent
               join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace where i.inhrelid = c.oid order by i.inhseqno) as parents,
         (select s.srvname || ' (' || w.fdwname || ')' from pg_catalog.pg_foreign_table f
          join pg_catalog.pg_foreign_server s on s.oid = f.ftserver join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
          where f.ftrelid = c.oid) as server,
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
  select a.attrelid::int8::float8 as relation, a.attname as name, a.atttypid::int8::float8 as type, a.atttypmod as modifier, a.attndims::int as dimensions,
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
  select i.indrelid::int8::float8 as relation, c.relname as name, i.indisunique as unique, m.amname as method,
         array(select a.attname::text from generate_series(0, i.indnkeyatts - 1) k
               left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[k] and i.indkey[k] <> 0 order by k) as columns,
         array(select i.indoption[k]::int & 1 = 1 from generate_series(0, i.indnkeyatts - 1) k order by k) as descending,
         i.indexprs is not null or i.indpred is not null as written
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_am m on m.oid = c.relam
  where i.indrelid = any ($1::oid[])
  order by i.indrelid, c.relname collate "C"`;

const TEXTS = `
  select c.oid::int8::float8 as relation,
         case when c.relkind in ('v', 'm') then left(pg_catalog.pg_get_viewdef(c.oid), 100001) end as definition,
         case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end as partition_key,
         (select json_object_agg(a.attname, pg_catalog.pg_get_expr(d.adbin, d.adrelid)) from pg_catalog.pg_attrdef d
          join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where d.adrelid = c.oid and a.attgenerated <> '') as generated,
         (select json_object_agg(x.relname, json_build_object(
            'columns', array(select pg_catalog.pg_get_indexdef(i.indexrelid, k, false) from generate_series(1, i.indnkeyatts) k order by k),
            'where', pg_catalog.pg_get_expr(i.indpred, i.indrelid)))
          from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
          where i.indrelid = c.oid and (i.indexprs is not null or i.indpred is not null)) as indexes
  from pg_catalog.pg_class c where c.oid = any ($1::oid[])`;

const TYPES = `
  select t.oid::int8::float8 as oid, t.typname as name, t.typnamespace = 'pg_catalog'::regnamespace as builtin, t.typtype::text as kind,
         case when e.typarray = t.oid then t.typelem::int8::float8 else 0 end as element,
         pg_catalog.format_type(t.oid, null) as text,
         array(select e.enumlabel::text from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) as labels,
         array(select pg_catalog.pg_get_constraintdef(k.oid) from pg_catalog.pg_constraint k where k.contypid = t.oid and k.contype = 'c' order by k.conname) as checks,
         case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) end as "baseText",
         t.typbasetype::int8::float8 as base, t.typtypmod as "baseModifier",
         coalesce((select json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int8, 'modifier', a.atttypmod) order by a.attnum)
           from pg_catalog.pg_attribute a where t.typrelid <> 0 and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '[]') as fields
  from pg_catalog.pg_type t left join pg_catalog.pg_type e on e.oid = t.typelem
  where t.oid = any ($1::oid[])`;

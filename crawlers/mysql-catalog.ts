import type { MysqlSnapshot } from '../src/connections/connections.ts';
import { readGrants, type Grants } from './mysql-grants.ts';

/**
 * What MySQL and MariaDB say about themselves, from `information_schema`. Its collations ignore case, so what comes back is
 * compared again by those who ask. MariaDB keeps no snapshot of it: each answer is of its own moment.
 */
export interface Relation {
  readonly schema: string;
  readonly name: string;
  /** `BASE TABLE`, `VIEW`, `SYSTEM VERSIONED`. */
  readonly kind: string;
}

/** What may take opening the table. */
interface Facts {
  readonly table: string;
  readonly engine: string | null;
  readonly comment: string;
  readonly row_count: number | string | null;
  readonly bytes: number | string | null;
}

export interface Attribute {
  readonly table: string;
  readonly name: string;
  readonly kind: string;
  readonly type: string;
  readonly nullable: string;
  readonly extra: string;
  readonly expression: string | null;
  readonly comment: string;
}

export interface KeyColumn {
  readonly table: string;
  readonly key: string;
  readonly name: string;
  readonly to_schema: string | null;
  readonly to_table: string | null;
  readonly to_column: string | null;
}

export interface IndexPart {
  readonly table: string;
  readonly key: string;
  readonly name: string | null;
  readonly prefix: number | null;
  readonly direction: string | null;
  readonly not_unique: number | string;
  readonly method: string;
  readonly expression: string | null;
}

interface View {
  readonly table: string;
  readonly definition: string;
}

export interface Cut {
  readonly table: string;
  readonly method: string;
  readonly expression: string | null;
  readonly submethod: string | null;
  readonly subexpression: string | null;
}

export interface Description {
  readonly facts: ReadonlyMap<string, readonly Facts[]>;
  readonly attributes: ReadonlyMap<string, readonly Attribute[]>;
  readonly keys: ReadonlyMap<string, readonly KeyColumn[]>;
  readonly indexes: ReadonlyMap<string, readonly IndexPart[]>;
  readonly views: ReadonlyMap<string, readonly View[]>;
  readonly cuts: ReadonlyMap<string, readonly Cut[]>;
}

/** How many questions `describe` asks. */
export const DESCRIBE_QUERIES = 6;

export async function listGrants(snapshot: MysqlSnapshot): Promise<Grants> {
  const rows = await snapshot.query<Record<string, string>>('show grants');
  return readGrants(rows.flatMap((row) => Object.values(row)));
}

/** Also whether indexes may be of expressions, which MySQL 8 has a column for and MariaDB has not. */
export async function hasExpressions(snapshot: MysqlSnapshot): Promise<boolean> {
  const found = await snapshot.query(
    "select 1 from information_schema.columns where table_schema = 'information_schema' and table_name = 'STATISTICS' and column_name = 'EXPRESSION'",
  );
  return found.length > 0;
}

export async function listDatabases(snapshot: MysqlSnapshot): Promise<string[]> {
  const rows = await snapshot.query<{ name: string }>('select schema_name as name from information_schema.schemata');
  return rows.map(({ name }) => name).filter((name) => !SYSTEM.has(name.toLowerCase()));
}

const SYSTEM = new Set(['information_schema', 'mysql', 'performance_schema', 'sys']);

/** By name only: nothing is opened for that, so a table that somebody holds is in it too. */
export async function listRelations(snapshot: MysqlSnapshot, database: string): Promise<Relation[]> {
  const rows = await snapshot.query<Relation>(
    `select table_schema as \`schema\`, table_name as name, table_type as kind
     from information_schema.tables where table_schema = ? and table_type <> 'SEQUENCE'`,
    [database],
  );
  return rows.filter(({ schema }) => schema === database);
}

export async function describe(
  snapshot: MysqlSnapshot,
  database: string,
  tables: readonly string[],
  expressions: boolean,
): Promise<Description> {
  const names = [database, tables];
  return {
    facts: group(await snapshot.attempt<Facts>(FACTS, names)),
    attributes: group(await snapshot.attempt<Attribute>(ATTRIBUTES, names)),
    keys: group(await snapshot.attempt<KeyColumn>(KEYS, names)),
    indexes: group(
      await snapshot.attempt<IndexPart>(INDEXES.replace('/* expression */', expressions ? 'expression' : 'null'), names),
    ),
    views: group(await snapshot.attempt<View>(VIEWS, names)),
    cuts: group(await snapshot.attempt<Cut>(CUTS, names)),
  };
}

function group<Row extends { readonly table: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const known = groups.get(row.table);
    if (known === undefined) groups.set(row.table, [row]);
    else known.push(row);
  }
  return groups;
}

const FACTS = `
  select table_name as \`table\`, engine as engine, table_comment as comment, table_rows as row_count,
         data_length + index_length as bytes
  from information_schema.tables where table_schema = ? and table_name in (?)`;

const ATTRIBUTES = `
  select table_name as \`table\`, column_name as name, data_type as kind, column_type as type, is_nullable as nullable,
         extra as extra, generation_expression as expression, column_comment as comment
  from information_schema.columns where table_schema = ? and table_name in (?)
  order by table_name, ordinal_position`;

const KEYS = `
  select table_name as \`table\`, constraint_name as \`key\`, column_name as name, referenced_table_schema as to_schema,
         referenced_table_name as to_table, referenced_column_name as to_column
  from information_schema.key_column_usage where table_schema = ? and table_name in (?)
  order by table_name, constraint_name, ordinal_position`;

const INDEXES = `
  select table_name as \`table\`, index_name as \`key\`, column_name as name, sub_part as prefix, collation as direction,
         non_unique as not_unique, index_type as method, /* expression */ as expression
  from information_schema.statistics where table_schema = ? and table_name in (?)
  order by table_name, index_name, seq_in_index`;

const VIEWS = `
  select table_name as \`table\`, view_definition as definition
  from information_schema.views where table_schema = ? and table_name in (?)`;

const CUTS = `
  select distinct table_name as \`table\`, partition_method as method, partition_expression as expression,
         subpartition_method as submethod, subpartition_expression as subexpression
  from information_schema.partitions where table_schema = ? and table_name in (?) and partition_method is not null`;

import { sql } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Db } from '../db/db.ts';
import { partitions } from '../db/tables/catalog.ts';
import type { Principal } from '../model/principal.ts';
import type { Format } from '../model/schema.ts';
import type { Partition, Table } from '../model/table.ts';
import { keyAt } from './partition-sql.ts';
import { pinned, visible } from './visible.ts';

/** As the database gives it, without what Drizzle would make of each field. */
type Row = {
  readonly id: string;
  readonly values: (string | null)[];
  readonly location: string;
  readonly format: string | null;
  readonly hash: string | null;
  readonly owner: string;
  readonly rows: string | null;
  readonly bytes: string | null;
  readonly files: number;
  readonly manifest: string | null;
  readonly first: string | null;
};

const AT_ONCE = 5_000;

/**
 * All current partitions of a table, for who holds them all: without their statistics, which would be much, and what many of
 * them have alike is there once. As they were at one position.
 */
export async function* heldPartitions(db: Db, as: Principal, table: Table): AsyncIterable<readonly Partition[]> {
  authorize(as, 'read', `the partitions of ${table.database}.${table.name}`);
  const asOf = await pinned(db, undefined);
  const shared = new Shared();
  for (let last: Row | undefined; ;) {
    const beyond = last && sql` and (${keyAt(0)}, ${partitions.id}) > (${last.first ?? ''}, ${last.id}::bigint)`;
    const { rows } = await db.execute<Row>(sql`
      select ${partitions.id}::text as id, array_to_json(${partitions.values}) as values, ${partitions.location} as location,
        ${partitions.format}::text as format, ${partitions.schemaHash} as hash, ${partitions.owner} as owner,
        ${partitions.rows}::text as rows, ${partitions.bytes}::text as bytes, ${partitions.files} as files,
        ${partitions.manifestHash} as manifest, ${keyAt(0)} as first
      from ${partitions}
      where ${partitions.tableId} = ${table.id} and ${visible(partitions, asOf)}${beyond ?? sql``}
      order by ${keyAt(0)}, ${partitions.id} limit ${AT_ONCE}`);
    yield rows.map((row) => heldPartition(row, table.id, shared));
    if (rows.length < AT_ONCE) return;
    last = rows.at(-1);
  }
}

function heldPartition(row: Row, tableId: string, shared: Shared): Partition {
  return {
    id: BigInt(row.id),
    tableId,
    values: row.values,
    location: row.location,
    format: row.format === null ? undefined : shared.format(row.format),
    schemaHash: row.hash === null ? undefined : shared.text(row.hash),
    owner: shared.text(row.owner),
    rows: row.rows === null ? undefined : BigInt(row.rows),
    bytes: row.bytes === null ? undefined : BigInt(row.bytes),
    files: row.files,
    manifestHash: row.manifest ?? undefined,
  };
}

/** A hundred thousand partitions have a few owners, columns and formats. */
class Shared {
  private readonly texts = new Map<string, string>();
  private readonly formats = new Map<string, Format>();

  text(text: string): string {
    const known = this.texts.get(text);
    if (known === undefined) this.texts.set(text, text);
    return known ?? text;
  }

  format(text: string): Format {
    const known = this.formats.get(text) ?? (JSON.parse(text) as Format);
    this.formats.set(text, known);
    return known;
  }
}

import { and, eq, inArray, isNotNull } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { partitions, schemas } from '../db/tables/catalog.ts';
import { deviationOf } from '../model/deviation.ts';
import type { Schema } from '../model/schema.ts';
import { schemaFromJson } from '../model/schema-text.ts';
import type { Table } from '../model/table.ts';
import { visible, type AsOf } from './visible.ts';

/** So many different schemas of one table's partitions are compared; more are no table any more. */
const MAX_SCHEMAS = 10_000;

/** The hashes of the schemas of a table's partitions that are not what the table says. One pass over the table's partitions. */
export async function deviatingHashes(db: Db, table: Table, { asOf }: AsOf): Promise<string[]> {
  const rows = await db
    .selectDistinct({ hash: partitions.schemaHash })
    .from(partitions)
    .where(and(eq(partitions.tableId, table.id), isNotNull(partitions.schemaHash), visible(partitions, asOf)))
    .limit(MAX_SCHEMAS);
  const found = await findSchemas(
    db,
    rows.flatMap(({ hash }) => hash ?? []),
  );
  return [...found].flatMap(([hash, { columns }]) => (deviationOf(table.schema, columns).length > 0 ? [hash] : []));
}

/** Many schemas by their hashes, in one statement. */
export async function findSchemas(db: Db, hashes: readonly string[]): Promise<Map<string, Schema>> {
  if (hashes.length === 0) return new Map();
  const rows = await db
    .select({ hash: schemas.hash, content: schemas.content })
    .from(schemas)
    .where(inArray(schemas.hash, [...hashes]));
  return new Map(rows.map(({ hash, content }) => [hash, schemaFromJson(content)]));
}

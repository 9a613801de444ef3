import { listTables } from '../../src/catalog/tables.ts';
import { listLineage } from '../../src/catalog/lineage.ts';
import { listVersions } from '../../src/catalog/versions.ts';
import { findManifest } from '../../src/catalog/manifests.ts';
import { streamPartitions } from '../../src/catalog/partitions.ts';
import { SYSTEM } from '../../src/access/principals.ts';
import { loadConfig } from '../../src/config.ts';
import { bookmarks } from '../../src/db/tables/etl.ts';
import { runs } from '../../src/db/tables/work.ts';
import type { Db } from '../../src/db/db.ts';
import { partitionText } from '../../src/model/partition-key.ts';
import { schemaToJson } from '../../src/model/schema-text.ts';
import type { Table } from '../../src/model/table.ts';
import { search } from '../../src/search/search.ts';
import { openTenon, type Tenon } from '../../src/tenon.ts';
import { runSql } from '../../src/etl/sql.ts';
import { until } from '../until.ts';

const QUIET = { info: () => {}, warn: () => {}, error: () => {} };

/**
 * Everything that readers can see of a catalog, its bookmarks and its search index, without what differs from run to run:
 * ids, times and the folders of attempts. Two catalogs that tell the same story have the same picture.
 */
export async function pictureOf(dataDir: string): Promise<unknown> {
  const tenon = await openTenon(loadConfig({ dataDir, env: {} }), { crawlers: [], log: QUIET });
  if (tenon === undefined) throw new Error(`${dataDir} is owned by another process`);
  try {
    const { db } = tenon.ground;
    const tables = (await listTables(db, SYSTEM, {}, { first: 100 })).items.map(({ item }) => item);
    return JSON.parse(
      JSON.stringify({
        tables: await Promise.all(tables.map((table) => tableOf(tenon, table))),
        bookmarks: (await bookmarksOf(db)).toSorted(),
        openRuns: (await db.select().from(runs))
          .filter(({ endedAt }) => endedAt === null)
          .map(({ kind, state }) => ({ kind, state })),
        hits: await hitsOf(tenon),
      }).replaceAll(/\/_t\/[^"]*?\/[0-9a-f-]{36}\/\d+/g, '/_t'),
    );
  } finally {
    await tenon.close();
  }
}

async function tableOf(tenon: Tenon, table: Table) {
  const { db } = tenon.ground;
  const { id, schema, version: _version, ...shown } = table;
  const partitions = [];
  for await (const { values, location, rows, files, manifestHash } of streamPartitions(db, SYSTEM, table)) {
    const manifest = manifestHash === undefined ? [] : ((await findManifest(db, manifestHash)) ?? []);
    const sizes = manifest.map(({ size }) => size).toSorted((a, b) => a - b);
    // Of a job's own files the name carries an id, and the size may differ by some bytes for the same reason.
    const of = table.owner.startsWith('job:') ? manifest.length : sizes;
    partitions.push({ name: partitionText(schema.partitionKeys, values), location, rows: rows?.toString(), files, of });
  }
  const { rows } = await runSql(tenon.jobs, SYSTEM, `select count(*), sum(id), sum(amount) from ${table.database}.${table.name}`);
  return {
    ...shown,
    schema: schemaToJson(schema),
    versions: (await listVersions(db, SYSTEM, id, { first: 100 })).items.map(({ item }) => schemaToJson(item.schema)),
    partitions: partitions.toSorted((a, b) => a.name.localeCompare(b.name)),
    upstream: (await listLineage(db, SYSTEM, id, 'upstream', 5)).map(({ from, producer }) => ({ from: from.name, producer })),
    rows,
  };
}

async function bookmarksOf(db: Db): Promise<string[]> {
  const rows = await db.select().from(bookmarks);
  const texts = rows.map(async ({ jobName, input, partition, manifestHash }) => {
    const files = (await findManifest(db, manifestHash)) ?? [];
    return JSON.stringify([jobName, input, partition, files.map(({ address, size }) => [address, size])]);
  });
  return Promise.all(texts);
}

async function hitsOf(tenon: Tenon): Promise<string[]> {
  const find = async (): Promise<string[]> => {
    const { items } = await search(tenon.search, SYSTEM, { text: 'email', first: 20 });
    return items.map(({ item }) => item.name).toSorted();
  };
  // Every scene ends with at least one table of orders; the index is a moment behind.
  await until('the index has caught up', async () => (await find()).length > 0);
  return find();
}

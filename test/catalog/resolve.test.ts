import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packManifest } from '../../src/catalog/manifests.ts';
import { recordPartitions } from '../../src/catalog/partitions.ts';
import { resolve, type Resolved, type ResolvedPartition } from '../../src/catalog/resolve.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asCrawler, columns, files, makeSales, partition, reader } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
afterAll(() => t.close());

async function all({ partitions }: Resolved): Promise<ResolvedPartition[]> {
  const found: ResolvedPartition[] = [];
  for await (const one of partitions) found.push(one);
  return found;
}

describe('resolve', () => {
  it('gives the table, its version and its partitions with their files', async () => {
    const manifest = packManifest(files('s3://b/', 'x', 'y'));
    const table = await makeSales(t.ground, [
      partition(['2026-01-01', 'eu'], 'a', { manifest, columns: columns('id int') }),
      partition(['2026-01-02', 'us']),
    ]);
    const resolved = await resolve(t.db, reader, 'Lake.Sales');
    expect(resolved.table).toEqual(table);
    expect(resolved.version).toMatchObject({ number: 1, schema: table.schema });
    const [first, second] = await all(resolved);
    expect(first).toMatchObject({
      partition: { values: ['2026-01-01', 'eu'] },
      files: files('s3://b/', 'x', 'y'),
      columns: columns('id int'),
    });
    expect(second).toMatchObject({ partition: { values: ['2026-01-02', 'us'] }, columns: undefined });
    expect(await all(await resolve(t.db, reader, 'lake.sales', { predicate: "region = 'us'" }))).toEqual([second]);
  });

  it('keeps to the state at which it was called', async () => {
    const drafts = Array.from({ length: 250 }, (_, i) => partition(['2026-01-01', String(i)]));
    const table = await makeSales(t.ground, drafts, { name: 'still' });
    const resolved = await resolve(t.db, reader, 'lake.still');
    await asCrawler(t.ground, (w) =>
      recordPartitions(
        w,
        table,
        drafts.map(({ values }) => partition(values, 'later')),
      ),
    );
    const once = await all(resolved);
    expect(once).toHaveLength(250);
    expect(new Set(once.flatMap((one) => one.files.map(({ etag }) => etag)))).toEqual(new Set(['a']));
    expect(await all(resolved)).toEqual(once);
  });

  it('inside a transaction sees what the transaction wrote', async () => {
    await asCrawler(t.ground, async (w) => {
      const { table } = await resolve(w.tx, reader, 'lake.sales');
      await recordPartitions(w, table, [partition(['2026-03-03', 'here'])]);
      const found = await all(await resolve(w.tx, reader, 'lake.sales', { predicate: "dt = '2026-03-03'" }));
      expect(found.map(({ partition: { values } }) => values)).toEqual([['2026-03-03', 'here']]);
    });
  });

  it('says what is not there, and what is no name or predicate', async () => {
    await expect(resolve(t.db, reader, 'lake.none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(resolve(t.db, reader, 'sales')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(resolve(t.db, reader, 'lake.sales', { predicate: 'x = 1' }).then(all)).rejects.toMatchObject({
      code: 'BAD_PREDICATE',
    });
  });

  it('does not take a manifest that is missing for no files', async () => {
    await makeSales(t.ground, [partition([], 'lost')], {
      name: 'broken',
      schema: { columns: columns('x int'), partitionKeys: [] },
    });
    await t.db.execute(sql`alter table partitions drop constraint partitions_manifest_hash_manifests_hash_fk`);
    await t.db.execute(
      sql`delete from manifests where hash in (select manifest_hash from partitions p join tables t on t.id = p.table_id where t.name = 'broken')`,
    );
    await expect(resolve(t.db, reader, 'lake.broken').then(all)).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { ensureDatabase } from '../../src/catalog/databases.ts';
import { packManifest } from '../../src/catalog/manifests.ts';
import { recordPartitions } from '../../src/catalog/partitions.ts';
import { recordTable } from '../../src/catalog/tables.ts';
import { write } from '../../src/changes/write.ts';
import { runSql } from '../../src/etl/sql.ts';
import { createStage } from '../../src/etl/stage.ts';
import { parsePartitionText } from '../../src/model/partition-key.ts';
import type { ManifestFile } from '../../src/model/table.ts';
import { CSV } from '../contract/engine.ts';
import { openTestS3, type TestS3 } from '../servers/s3.ts';
import { columnList, filesBelow, openLab, ORDERS, type Lab } from './lab.ts';

const s3 = await openTestS3();

describe('jobs on S3', () => {
  beforeEach((context) => {
    if ('skip' in s3) context.skip(s3.skip);
  });

  let lab: Lab;
  let bucket: string;
  const server = s3 as TestS3;

  beforeAll(async () => {
    if ('skip' in s3) return;
    lab = await openLab();
    bucket = await server.newBucket();
    await write(lab.t.ground, { principal: SYSTEM, owner: 'api' }, (w) =>
      lab.connections.define(w, {
        name: 'minio',
        kind: 's3',
        options: { endpoint: server.url, accessKeyId: server.accessKeyId, region: 'us-east-1' },
        secret: server.secretAccessKey,
      }),
    );
  });
  afterAll(async () => {
    if ('skip' in s3) return;
    await lab.close();
    await server.close();
  });

  async function put(key: string, text: string): Promise<void> {
    await server.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text }));
  }

  async function crawl(): Promise<void> {
    const location = `s3://${bucket}/orders`;
    const store = await lab.connections.objectStore(location, 'minio');
    const groups = new Map<string, ManifestFile[]>();
    for await (const { path, address, size, etag, modified } of store.list(`${location}/`)) {
      const folder = path.slice(0, path.lastIndexOf('/'));
      groups.set(folder, [...(groups.get(folder) ?? []), { address, size, etag, modified }]);
    }
    await write(lab.t.ground, { principal: SYSTEM, owner: 'crawler:s3' }, async (w) => {
      await ensureDatabase(w, 'lake');
      const { table } = await recordTable(w, {
        database: 'lake',
        name: 'orders',
        type: 'table',
        location,
        format: CSV,
        connection: 'minio',
        schema: { columns: columnList(ORDERS), partitionKeys: columnList({ dt: 'date' }) },
      });
      await recordPartitions(
        w,
        table,
        [...groups].map(([folder, files]) => ({
          values: parsePartitionText(folder).map(({ value }) => value),
          location: `${location}/${folder}`,
          manifest: packManifest(files),
          columns: columnList(ORDERS),
        })),
      );
    });
  }

  it('reads through the cache, uploads, and answers SQL over the result', async () => {
    await put('orders/dt=2026-01-01/a b.csv', 'id,email,amount\n1,a,1\n');
    await put('orders/dt=2026-01-02/ü.csv', 'id,email,amount\n2,b,2\n');
    await crawl();
    await lab.define({
      output: {
        table: 'lake.orders_parquet',
        location: `s3://${bucket}/out/orders_parquet`,
        connection: 'minio',
        partitionBy: ['dt'],
      },
    });
    expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED', error: null, result: { outputs: [{ rows: 2, files: 2 }] } });
    const asked = await runSql(lab.deps, SYSTEM, 'select * from lake.orders_parquet order by id');
    expect(asked.rows).toEqual([
      [1, 'a', '1.00', '2026-01-01'],
      [2, 'b', '2.00', '2026-01-02'],
    ]);
    expect(filesBelow(join(lab.folder, 'cache')).length).toBe(4);
    await put('orders/dt=2026-01-02/late.csv', 'id,email,amount\n3,c,3\n');
    await crawl();
    expect(await lab.run()).toMatchObject({
      state: 'SUCCEEDED',
      result: { outputs: [{ rows: 1, files: 1 }], bookmark: { newFiles: 1 } },
    });
    expect((await runSql(lab.deps, SYSTEM, 'select count(*) from lake.orders_parquet')).rows).toEqual([[3]]);
    expect(readdirSync(join(lab.folder, 'work'))).toEqual([]);
  });

  it('fetches only the partitions that a WHERE leaves', async () => {
    await put('orders/dt=2026-02-01/x.csv', 'id,email,amount\n7,a,1\n');
    await put('orders/dt=2026-02-02/y.csv', 'id,email,amount\n8,b,2\n');
    await crawl();
    const before = new Set(filesBelow(join(lab.folder, 'cache')));
    const { rows } = await runSql(lab.deps, SYSTEM, "select id from lake.orders where dt = '2026-02-02'");
    expect(rows).toEqual([[8]]);
    const fetched = filesBelow(join(lab.folder, 'cache')).filter((file) => !before.has(file));
    expect(fetched.map((file) => readFileSync(file, 'utf8'))).toEqual(['id,email,amount\n8,b,2\n']);
  });

  it('tells of an object that changed since the crawl', async () => {
    await put('orders/dt=2026-02-03/z.csv', 'id,email,amount\n9,a,1\n');
    await crawl();
    await put('orders/dt=2026-02-03/z.csv', 'id,email,amount\n9,a,2\n');
    await expect(runSql(lab.deps, SYSTEM, "select id from lake.orders where dt = '2026-02-03'")).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
    });
  });

  it('keeps the cache within its size', async () => {
    const stage = createStage({ folder: join(lab.folder, 'cache'), maxBytes: 30 });
    await stage.trim();
    expect(filesBelow(join(lab.folder, 'cache')).length).toBeLessThanOrEqual(1);
  });
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { serve, start } from '../cli/tenon.ts';
import { openEmptyDb } from '../servers/postgres.ts';
import { openTestS3 } from '../servers/s3.ts';
import { until } from '../until.ts';
import { tenon, withFolder } from './command.ts';
import { layOrders, ordersOf } from './orders.ts';
import { describePath, type Place } from './path.ts';

/** Each command opens the directory and closes it. */
describePath({ name: 'in folders', open: () => openFolders({}) });

/** Here and on S3 a server has the directory, and the commands are its clients. */
describePath({
  name: 'in folders, with the catalog in a Postgres elsewhere',
  open: async () => {
    const { url, close } = await openEmptyDb();
    const place = await openFolders({});
    const server = await serve(place.dataDir, { env: { TENON_DATABASE_URL: url } });
    return { ...place, close: () => server.stop().then(place.close).then(close) };
  },
});

describePath({ name: 'on S3', open: openS3 });

async function openFolders(env: Record<string, string>): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-path-'));
  const lake = join(folder, 'lake');
  return {
    dataDir: join(folder, 'data'),
    lake,
    lakeAddress: `file://${lake}`,
    out: join(folder, 'out'),
    outAddress: `file://${folder}/out`,
    options: { env },
    put: async (path, text) => {
      await mkdir(dirname(join(lake, path)), { recursive: true });
      await writeFile(join(lake, path), text);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function openS3(): Promise<Place | { readonly skip: string }> {
  const s3 = await openTestS3();
  if ('skip' in s3) return s3;
  const folder = await mkdtemp(join(tmpdir(), 'tenon-path-'));
  const Bucket = await s3.newBucket();
  const env = {
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  };
  const dataDir = join(folder, 'data');
  const server = await serve(dataDir, { env });
  return {
    dataDir,
    lake: `s3://${Bucket}/lake/`,
    lakeAddress: `s3://${Bucket}/lake`,
    out: `s3://${Bucket}/out`,
    outAddress: `s3://${Bucket}/out`,
    options: {},
    put: async (path, text) => void (await s3.client.send(new PutObjectCommand({ Bucket, Key: `lake/${path}`, Body: text }))),
    close: async () => {
      await server.stop();
      await s3.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe('changes --follow', () => {
  it('prints one document a line as things happen, and ends well at Ctrl-C', async () => {
    await withFolder(async (folder) => {
      const data = join(folder, 'data');
      await layOrders(join(folder, 'lake'), '2026-11-18', 'a.csv', ordersOf(1, 2));
      const following = start(['changes', '--follow', '--json', '--after', '0', '--data', data]);
      await until('the follower is there', () => following.stdout().includes('principal.created'), 30_000);
      // The follower owns the directory; this one is its client.
      const crawl = await tenon(['crawl', join(folder, 'lake'), '--database', 'lake', '--data', data]);
      expect([crawl.code, crawl.stdout]).toEqual([0, expect.stringContaining('1 tables, 1 partitions, 1 files')]);
      await until('the change is shown', () => following.stdout().includes('table.created'));
      following.process.kill('SIGINT');
      const { code, stdout, stderr } = await following.ended;
      expect([code, stderr]).toEqual([0, '']);
      const lines = stdout.trimEnd().split('\n');
      const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
      expect(kinds).toContain('table.created');
      expect(new Set(lines).size).toBe(lines.length);
    });
  }, 60_000);
});

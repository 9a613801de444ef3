import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import { createS3Store, type S3Store } from '../../src/connections/s3.ts';
import { TenonError } from '../../src/model/errors.ts';
import { FAULTS, startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { SHORT } from './test-connections.ts';

/** Two parts, so that an upload begins, sends, and completes. */
const CONTENT = Buffer.alloc(9 * 1024 * 1024, 'all of it, or nothing. ');
const ADDRESS = 's3://lake/big.bin';

describe('a copy of which one request fails', () => {
  let fake: FakeS3;
  let store: S3Store;
  let folder: string;

  beforeAll(async () => {
    fake = await startFakeS3();
    store = createS3Store({ endpoint: fake.url, accessKeyId: 'k' }, 's', { ...CONNECTION_LIMITS, ...SHORT });
    folder = await mkdtemp(join(tmpdir(), 'tenon-copies-'));
    await writeFile(join(folder, 'source'), CONTENT);
  });
  beforeEach(() => fake.bucket.remove('big.bin'));
  afterAll(async () => {
    store.close();
    await fake.close();
    await rm(folder, { recursive: true, force: true });
  });

  for (const fault of FAULTS) {
    it(`downloads all of it or nothing: ${fault}`, async () => {
      const etag = fake.bucket.put('big.bin', CONTENT).replaceAll('"', '');
      fake.fail(fault, 0);
      const target = join(folder, `download ${fault}`);
      const failed = await store.download(ADDRESS, target, { etag }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failed === undefined) expect((await readFile(target)).equals(CONTENT)).toBe(true);
      else expect(failed).toMatchObject({ code: 'SOURCE_DENIED' });
      expect(failed === undefined).toBe(fault !== '403');
      expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
    });

    it(`uploads all of it or nothing: ${fault}`, async () => {
      for (let n = 0; n < 5; n += 1) {
        fake.bucket.remove('big.bin');
        fake.fail(fault, n);
        const uploaded = await store.upload(join(folder, 'source'), ADDRESS).catch((error: unknown) => error);
        const found = fake.bucket.find('big.bin');
        if (found !== undefined) expect(found.content?.equals(CONTENT), `request ${n}`).toBe(true);
        if (uploaded instanceof TenonError) expect(uploaded.code, `request ${n}`).toMatch(/^SOURCE_/);
        else expect(uploaded, `request ${n}`).toMatchObject({ size: CONTENT.length });
        if (!(uploaded instanceof TenonError)) expect(found).toBeDefined();
      }
    }, 60_000);
  }

  it('gives up a download that breaks off again and again, and one whose object is replaced meanwhile', async () => {
    const etag = fake.bucket.put('big.bin', CONTENT).replaceAll('"', '');
    fake.fail('cut-body', 0, 100);
    const target = join(folder, 'never');
    await expect(store.download(ADDRESS, target, { etag })).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    fake.fail('cut-body', 0);
    const downloading = store.download(ADDRESS, target, { etag });
    fake.bucket.put('big.bin', Buffer.alloc(CONTENT.length, 'other '));
    await expect(downloading).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
    expect(await readdir(folder)).not.toContain('never');
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { readHead } from '../../src/crawl/head.ts';
import { sourceOf } from './bytes.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/compressed');
const PLAIN = readFileSync(join(FOLDER, 'orders.csv'));
/** The same text table in each codec, made by the codec's own tools. */
const PACKED: Readonly<Record<string, string>> = {
  'orders.csv.gz': 'gzip',
  'orders.csv.bz2': 'bzip2',
  'two-streams.csv.bz2': 'bzip2',
  'orders.csv.zst': 'zstd',
  'flushed.csv.zst': 'zstd',
  'orders.csv.sz': 'snappy',
  'orders.csv.snappy': 'hadoop-snappy',
  'orders.csv.lz4': 'lz4',
  'orders.csv.zip': 'zip',
};
const NAMES = Object.keys(PACKED);

function packed(name: string): Buffer {
  return readFileSync(join(FOLDER, name));
}

describe('a packed text table', () => {
  it.each(NAMES)('has the same columns, rows and options as the plain one: %s', async (name) => {
    const plain = await classify(sourceOf('orders.csv', PLAIN), CLASSIFY_LIMITS);
    const found = await classify(sourceOf(name, packed(name)), CLASSIFY_LIMITS);
    expect(found?.columns).toEqual(plain?.columns);
    expect(found?.rows).toBe(400n);
    expect(found?.format).toEqual({ ...plain?.format, compression: PACKED[name] });
  });

  it.each(NAMES)('is known by its bytes alone: %s', async (name) => {
    for (const path of ['orders', 'orders.csv', 'part-00000']) {
      expect((await classify(sourceOf(path, packed(name)), CLASSIFY_LIMITS))?.format.compression).toBe(PACKED[name]);
    }
  });

  it.each(NAMES)('unpacks to exactly the plain bytes, and to no more than was asked for: %s', async (name) => {
    const head = await readHead(sourceOf(name, packed(name)), 1 << 20, CLASSIFY_LIMITS);
    expect(Buffer.from(head.bytes).equals(PLAIN)).toBe(true);
    expect(head.whole).toBe(true);
    const part = await readHead(sourceOf(name, packed(name)), 2_000, CLASSIFY_LIMITS);
    expect(part.bytes.length).toBeLessThanOrEqual(2_000);
    expect(Buffer.from(part.bytes).equals(PLAIN.subarray(0, part.bytes.length))).toBe(true);
    expect(part.whole).toBe(false);
  });

  it.each(NAMES)('may end early, as a head does: %s', async (name) => {
    const bytes = packed(name);
    for (let cut = 12; cut < bytes.length; cut += 97) {
      // The source says that more is to come than it gives, as when a head is read of a large file.
      const source = { ...sourceOf(name, bytes.subarray(0, cut)), size: bytes.length };
      const head = await readHead(source, 1 << 20, CLASSIFY_LIMITS).catch((error: unknown) => error);
      if (head instanceof Error) expect(head).toMatchObject({ code: 'DATA_UNREADABLE' });
      else if ('compression' in (head as object)) {
        const { bytes: plain, whole } = head as { bytes: Uint8Array; whole: boolean };
        expect(PLAIN.subarray(0, plain.length).equals(plain)).toBe(true);
        expect(whole).toBe(false);
      }
    }
  });

  it('is no table where an archive holds several files, and is named where nothing unpacks it', async () => {
    expect(await classify(sourceOf('two-files.zip', packed('two-files.zip')), CLASSIFY_LIMITS)).toBeUndefined();
    await expect(classify(sourceOf('orders.csv.xz', packed('orders.csv.xz')), CLASSIFY_LIMITS)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('xz') as string,
    });
  });
});

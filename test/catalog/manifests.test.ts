import { createHash, randomBytes } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  findManifest,
  findManifests,
  hashManifest,
  mergeManifests,
  packManifest,
  saveManifests,
  subtractManifests,
  unpackManifest,
} from '../../src/catalog/manifests.ts';
import type { ManifestFile } from '../../src/model/table.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asApi, files } from './lake.ts';

const anyFile = fc.record({
  address: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('s3://b/a', 's3://b/a/part-1', 's3://b/a/part-2')),
  size: fc.oneof(fc.nat(), fc.maxSafeNat()),
  etag: fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[0-9a-f]{32}$/), fc.stringMatching(/^[0-9A-F]{32}-\d{1,3}$/)),
  modified: fc.integer({ min: -(2 ** 50), max: 2 ** 50 }),
});

const byText = (list: readonly ManifestFile[]) =>
  list.map((file) => JSON.stringify([file.address, file.etag, file.size, file.modified])).sort();

function manyFiles(count: number): ManifestFile[] {
  return Array.from({ length: count }, (_, i) => ({
    address: `s3://bucket/lake/sales/dt=2026-01-01/part-${String(i).padStart(5, '0')}-3f1c9f6e-4f0e-4b57-9d8e-0c2a5a1f7e11-c000.snappy.parquet`,
    size: 1_000_000 + ((i * 7_919) % 500_000),
    etag: createHash('md5').update(String(i)).digest('hex'),
    modified: 1_767_225_600_000 + i * 37,
  }));
}

describe('packManifest', () => {
  it('gives back exactly the files, sorted by address', () => {
    fc.assert(
      fc.property(fc.array(anyFile, { maxLength: 50 }), (list) => {
        const packed = packManifest(list);
        const back = unpackManifest(packed.packed);
        expect(byText(back)).toEqual(byText(list));
        expect(back.map(({ address }) => address)).toEqual(list.map(({ address }) => address).sort());
        expect(packed.files).toBe(list.length);
        expect(packed.bytes).toBe(list.reduce((sum, { size }) => sum + BigInt(size), 0n));
      }),
    );
  });

  it('gives the same hash in any order, and another for any difference', () => {
    fc.assert(
      fc.property(fc.array(anyFile, { minLength: 1, maxLength: 20 }), fc.nat(), (list, at) => {
        const { hash } = packManifest(list);
        expect(packManifest([...list].reverse()).hash).toBe(hash);
        const index = at % list.length;
        const changes: Partial<ManifestFile>[] = [{ address: `${list[index]?.address}x` }, { etag: `${list[index]?.etag}x` }];
        for (const change of changes) {
          const other = list.map((file, i) => (i === index ? { ...file, ...change } : file));
          expect(packManifest(other).hash).not.toBe(hash);
        }
        expect(packManifest(list.slice(1)).hash).not.toBe(hash);
      }),
    );
  });

  it('hashes the content, not what zlib made of it', () => {
    const hashOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex').slice(0, 32);
    const many = packManifest(manyFiles(1_000));
    expect(hashOf(inflateRawSync(many.packed.subarray(1)))).toBe(many.hash);
    const few = packManifest(files('s3://b/', 'a', 'b'));
    expect(hashOf(few.packed.subarray(1))).toBe(few.hash);
    expect(hashManifest(files('s3://b/', 'a', 'b').toReversed())).toBe(few.hash);
  });

  it('takes less than 40 bytes a file', () => {
    expect(packManifest(manyFiles(10_000)).packed.length / 10_000).toBeLessThan(40);
    const random = Array.from({ length: 10_000 }, (_, i) => ({
      address: `file:///lake/dt=2026-01-01/part-${randomBytes(4).toString('hex')}.parquet`,
      size: 1_000 + i,
      etag: `${1_767_225_600_000 + i}-${1_000 + i}`,
      modified: 1_767_225_600_000 + i,
    }));
    expect(packManifest(random).packed.length / 10_000).toBeLessThan(40);
  });

  it('works for a million files', () => {
    const address = (i: number) => `s3://bucket/lake/part-${i}`;
    const list = Array.from({ length: 1_000_000 }, (_, i) => ({ address: address(i), size: i, etag: String(i), modified: i }));
    const packed = packManifest(list);
    expect(packed.files).toBe(1_000_000);
    expect(unpackManifest(packed.packed)).toHaveLength(1_000_000);
  }, 60_000);

  it('works for no files', () => {
    const packed = packManifest([]);
    expect(packed).toMatchObject({ files: 0, bytes: 0n });
    expect(unpackManifest(packed.packed)).toEqual([]);
  });

  it('refuses sizes and times that are not whole numbers', () => {
    const [file] = files('s3://b/', 'a');
    for (const change of [{ size: 1.5 }, { size: -1 }, { size: Number.NaN }, { modified: 0.5 }, { modified: Infinity }]) {
      expect(() => packManifest([{ address: '', etag: '', size: 0, modified: 0, ...file, ...change }])).toThrow(/whole numbers/);
    }
  });

  it('does not unpack what is packed in another way', () => {
    expect(() => unpackManifest(Buffer.from([9, 1, 2]))).toThrow(/not known/);
  });
});

describe('mergeManifests and subtractManifests', () => {
  const [a, b, c] = files('s3://b/', '1', '2', '3') as [ManifestFile, ManifestFile, ManifestFile];

  it('compare by address, etag and size, not by time', () => {
    const touched = { ...a, modified: 5 };
    expect(mergeManifests([a, b], [touched, c])).toEqual([a, b, c]);
    expect(subtractManifests([touched, b], [a])).toEqual([b]);
  });

  it('take the same address with another etag or size for another file', () => {
    for (const other of [
      { ...a, etag: 'x' },
      { ...a, size: 7 },
    ]) {
      expect(mergeManifests([a], [other])).toHaveLength(2);
      expect(subtractManifests([other], [a])).toEqual([other]);
    }
  });

  it('what is merged and subtracted again leaves nothing', () => {
    fc.assert(
      fc.property(fc.array(anyFile, { maxLength: 20 }), fc.array(anyFile, { maxLength: 20 }), (one, two) => {
        expect(subtractManifests([...one, ...two], mergeManifests(one, two))).toEqual([]);
      }),
    );
  });
});

describe('saved manifests', () => {
  let t: TestDb;
  beforeAll(async () => {
    t = await openTestDb();
  });
  afterAll(() => t.close());

  it('are found by their hash, and saving them twice does nothing', async () => {
    const one = packManifest(files('s3://b/', '1', '2'));
    const two = packManifest(files('s3://c/', '1'));
    await asApi(t.ground, (w) => saveManifests(w.tx, [one, one, two]));
    await asApi(t.ground, (w) => saveManifests(w.tx, [one]));
    expect(await findManifest(t.db, one.hash)).toEqual(files('s3://b/', '1', '2'));
    expect([...(await findManifests(t.db, [one.hash, two.hash, 'none'])).keys()].sort()).toEqual([one.hash, two.hash].sort());
    expect(await findManifest(t.db, 'none')).toBeUndefined();
  });
});

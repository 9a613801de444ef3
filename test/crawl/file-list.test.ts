import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packManifest } from '../../src/catalog/manifests.ts';
import { FileList, hashFiles, packFiles } from '../../src/crawl/file-list.ts';
import type { ManifestFile } from '../../src/model/table.ts';

const anyFile = fc.record({
  address: fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^s3:\/\/b\/dt=\d\/part-\d\d$/)),
  size: fc.nat(),
  etag: fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[0-9a-f]{32}$/)),
  modified: fc.nat(),
});

function listOf(files: readonly ManifestFile[]): FileList {
  const list = new FileList();
  for (const file of files) list.add(file.address, file);
  return list;
}

describe('a list of files', () => {
  it('has the manifest that its files have, in whatever order they came', () => {
    fc.assert(
      fc.property(fc.array(anyFile, { maxLength: 30 }), (files) => {
        const expected = packManifest(files);
        for (const order of [files, files.toSorted((a, b) => (a.address < b.address ? -1 : 1))]) {
          expect(listOf(order).pack()).toEqual(expected);
          expect(listOf(order).hash()).toBe(expected.hash);
        }
      }),
    );
  });

  it('goes on after it was closed', () => {
    fc.assert(
      fc.property(fc.array(anyFile, { maxLength: 10 }), fc.array(anyFile, { maxLength: 10 }), (some, more) => {
        const list = listOf(some);
        list.close();
        for (const file of more) list.add(file.address, file);
        expect(list.count).toBe(some.length + more.length);
        expect(list.pack()).toEqual(packManifest([...some, ...more]));
      }),
    );
  });

  it('is one manifest with others, and without some of its files', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyFile, { maxLength: 8 }), { maxLength: 4 }), (lists) => {
        const files = lists.flat();
        expect(hashFiles(lists.map(listOf))).toBe(packManifest(files).hash);
        const without = new Set(files.slice(0, 1).map(({ address }) => address));
        const left = files.filter(({ address }) => !without.has(address));
        expect(packFiles(lists.map(listOf), without)).toEqual(packManifest(left));
      }),
    );
  });

  it('does not mix with another that is open at the same time', () => {
    const [one, two] = [new FileList(), new FileList()];
    const file = { size: 1, etag: 'e', modified: 0 };
    for (const name of ['a', 'b', 'c']) {
      one.add(`s3://b/one/${name}`, file);
      two.add(`s3://b/two/${name}`, file);
    }
    expect(one.all().map(({ address }) => address)).toEqual(['s3://b/one/a', 's3://b/one/b', 's3://b/one/c']);
    expect(two.all().map(({ address }) => address)).toEqual(['s3://b/two/a', 's3://b/two/b', 's3://b/two/c']);
  });
});

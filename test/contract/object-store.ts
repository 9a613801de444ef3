import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { joinAddress, lastName, parseAddress } from '../../src/connections/address.ts';
import { compareBytes } from '../../src/connections/byte-order.ts';
import { S3_HOOK_TIMEOUT_MS } from '../servers/s3.ts';
import type { ListOptions, ObjectStore, StoredObject } from '../../src/connections/object-store.ts';

/** Somewhere to keep objects, and a new empty address in it for each test. */
export interface StorePlace {
  readonly store: ObjectStore;
  newRoot(): Promise<string>;
  close(): Promise<void>;
}

/** Names that have hurt somebody: each is one file name. */
export const HOSTILE_NAMES = [
  'plain.csv',
  'a b.csv',
  'a+b.csv',
  'a%20b.csv',
  'a%2Fb.csv',
  'dt=2026-01-01 00%3A00',
  `it's "quoted".csv`,
  'semi;colon&amp;<tag>.csv',
  'hash#and?query=1.csv',
  'new\nline.csv',
  'tab\tname.csv',
  'back\\slash.csv',
  '..twodots',
  '...',
  'ünïcödé.csv',
  'e\u0301.csv',
  '\u{1F980}.csv',
  '\uFF5E.csv',
  '漢字.csv',
  '~tilde.csv',
  'space at the end ',
  '{brace}[bracket].csv',
  '$(rm -rf).csv',
];

/**
 * What every object store does. `names` are file names beside the hostile ones that the store cannot keep, with the reason;
 * they are left out.
 */
export function describeObjectStore(
  kind: string,
  open: () => Promise<StorePlace | { readonly skip: string }>,
  unable: readonly string[] = [],
): void {
  describe(`object store: ${kind}`, () => {
    let place: StorePlace | { readonly skip: string } | undefined;
    let store: ObjectStore;
    let root: string;
    let local: string;

    beforeAll(async () => {
      local = await mkdtemp(join(tmpdir(), 'tenon-store-'));
      place = await open();
    }, S3_HOOK_TIMEOUT_MS);
    afterAll(async () => {
      if (place !== undefined && !('skip' in place)) await place.close();
      await rm(local, { recursive: true, force: true });
    });
    beforeEach(async (context) => {
      if (place === undefined) throw new Error('The store was not opened.');
      if ('skip' in place) return context.skip(place.skip);
      store = place.store;
      root = await place.newRoot();
    });

    async function put(path: string, text = path): Promise<StoredObject> {
      const file = join(local, 'put');
      await writeFile(file, text);
      return store.upload(file, joinAddress(root, path));
    }

    async function list(options: ListOptions = {}, address = root): Promise<StoredObject[]> {
      const objects: StoredObject[] = [];
      for await (const object of store.list(address, options)) objects.push(object);
      return objects;
    }

    const paths = async (options: ListOptions = {}, address = root) => (await list(options, address)).map(({ path }) => path);

    it('lists what was uploaded with its size, etag, time and whole address', async () => {
      const uploaded = await put('sales/part-0.csv', 'id\n1\n');
      const [listed] = await list();
      expect(listed).toMatchObject({
        path: 'sales/part-0.csv',
        size: 5,
        address: joinAddress(root, 'sales/part-0.csv'),
        etag: uploaded.etag,
      });
      expect(Number(listed?.modified)).toBeGreaterThan(0);
      const head = await store.head(listed?.address ?? '');
      expect(head).toMatchObject({ size: 5, etag: uploaded.etag, path: 'part-0.csv' });
    });

    it('lists in byte order of whole paths, so that a folder sorts as its name with a slash', async () => {
      for (const path of ['a/z', 'a-b', 'a.csv', 'a0', 'b/\uFF5E', 'b/\u{1F980}', 'B']) await put(path);
      expect(await paths()).toEqual(['B', 'a-b', 'a.csv', 'a/z', 'a0', 'b/\uFF5E', 'b/\u{1F980}']);
    });

    it('goes on after a path, wherever it lies', async () => {
      const all = ['a', 'a-b/1', 'a/1', 'a/2/x', 'a/3', 'b'];
      for (const path of all.toSorted()) if (path !== 'a') await put(path);
      const stored = await paths();
      for (const after of [...stored, 'a/2', 'a/2/', 'a/', 'zz', '']) {
        expect(await paths({ after }), after).toEqual(stored.filter((path) => compareBytes(path, after) > 0));
      }
    });

    it('lists a folder without its look-alike neighbour, and an object at the address itself', async () => {
      await put('sales/1');
      await put('sales2/1');
      await put('sales.csv');
      expect(await paths({}, joinAddress(root, 'sales'))).toEqual(['1']);
      expect(await paths({}, joinAddress(root, 'sales/'))).toEqual(['1']);
      expect(await paths({}, joinAddress(root, 'sales.csv'))).toEqual(['sales.csv']);
      expect(await paths({ after: 'sales.csv' }, joinAddress(root, 'sales.csv'))).toEqual([]);
    });

    it('lists one folder only, by paths that begin at the address', async () => {
      for (const path of ['a/1', 'a/b/1', 'a b/1', 'ab/1']) await put(path);
      expect(await paths({ folder: 'a/' })).toEqual(['a/1', 'a/b/1']);
      expect(await paths({ folder: 'a/b/' })).toEqual(['a/b/1']);
      expect(await paths({ folder: 'a b/' }, `${root}/`)).toEqual(['a b/1']);
      expect(await paths({ folder: 'a/', after: 'a/1' })).toEqual(['a/b/1']);
      expect(await paths({ folder: 'never/was/' })).toEqual([]);
      expect(await paths({ folder: 'a/1/' })).toEqual([]);
    });

    it('tells of the folders in a folder instead of what is below them', async () => {
      for (const path of ['a/1', 'a/2/x/y', 'a/3/x', 'a/3 +%20&ü/z', 'a/4', 'b/1', '_t/1']) await put(path);
      const look = async (options: ListOptions) => {
        const folders: string[] = [];
        const objects = await paths({ ...options, onFolder: (path) => folders.push(path) });
        return [objects, folders.toSorted(compareBytes)];
      };
      expect(await look({ folder: 'a/' })).toEqual([
        ['a/1', 'a/4'],
        ['a/2/', 'a/3 +%20&ü/', 'a/3/'],
      ]);
      expect(await look({ skip: (path) => path.startsWith('_') })).toEqual([[], ['a/', 'b/']]);
      expect(await look({ folder: 'a/2/' })).toEqual([[], ['a/2/x/']]);
      expect(await look({ folder: 'c/' })).toEqual([[], []]);
    });

    it('makes no request that it is not allowed to make', async () => {
      await put('a/1');
      const refusal = new Error('no more');
      const onRequest = (): void => {
        throw refusal;
      };
      await expect(paths({ onRequest })).rejects.toBe(refusal);
    });

    it('leaves out what is to be skipped, with all below it', async () => {
      for (const path of ['_tmp/a/1', 'a/_tmp/1', 'a/1', '_x']) await put(path);
      expect(await paths({ skip: (path) => path === '_x' || path.endsWith('_tmp/') })).toEqual(['a/1']);
    });

    it('keeps names of any kind, and their addresses there and back', async () => {
      const names = HOSTILE_NAMES.filter((name) => !unable.includes(name));
      for (const name of names) await put(`dir/${name}`, name);
      const listed = await list();
      expect(listed.map(({ path }) => path)).toEqual(names.map((name) => `dir/${name}`).toSorted(compareBytes));
      for (const { address, path, size, etag } of listed) {
        const name = path.slice(4);
        expect(address).toBe(joinAddress(root, path));
        expect(lastName(address)).toBe(name);
        const copy = join(local, 'copy');
        await store.download(address, copy, { etag });
        expect(await readFile(copy, 'utf8')).toBe(name);
        expect(Buffer.from(await store.read(address, 0, size)).toString()).toBe(name);
      }
    });

    it('reads ranges, fewer bytes at the end and none beyond it', async () => {
      const { address } = await put('bytes', '0123456789');
      const read = async (start: number, end: number) => Buffer.from(await store.read(address, start, end)).toString();
      expect(await read(0, 4)).toBe('0123');
      expect(await read(8, 100)).toBe('89');
      expect(await read(10, 20)).toBe('');
      expect(await read(500, 600)).toBe('');
      expect(await read(3, 3)).toBe('');
    });

    it('keeps an empty object', async () => {
      const { address, etag, size } = await put('empty', '');
      expect(size).toBe(0);
      expect(await store.read(address, 0, 100)).toHaveLength(0);
      await store.download(address, join(local, 'empty'), { etag });
      expect(await readFile(join(local, 'empty'), 'utf8')).toBe('');
      expect(await paths()).toEqual(['empty']);
    });

    it('has another etag after a rewrite of the same length, and refuses to read the old one', async () => {
      const before = await put('x', 'aaaa');
      const after = await put('x', 'bbbb');
      expect(after.etag).not.toBe(before.etag);
      const target = join(local, 'old');
      await expect(store.download(before.address, target, before)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
      await expect(store.read(before.address, 0, 4, { expected: before })).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
      expect(await readdir(local)).not.toContain('old');
      expect((await readdir(local)).filter((name) => name.endsWith('.part'))).toEqual([]);
    });

    it('carries a file of several parts there and back', async () => {
      const big = Buffer.alloc(18 * 1024 * 1024 + 7, 'tenon ');
      await writeFile(join(local, 'big'), big);
      const { address, etag, size } = await store.upload(join(local, 'big'), joinAddress(root, 'deep/er/big'));
      expect(size).toBe(big.length);
      await store.download(address, join(local, 'big-copy'), { etag });
      expect((await readFile(join(local, 'big-copy'))).equals(big)).toBe(true);
      expect(await paths()).toEqual(['deep/er/big']);
    });

    it('knows nothing of what is not there', async () => {
      const address = joinAddress(root, 'nothing/here');
      expect(await store.head(address)).toBeUndefined();
      await expect(store.read(address, 0, 10)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
      await expect(store.download(address, join(local, 'no'), { etag: 'x' })).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
      await expect(store.upload(join(local, 'not-there'), address)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
      await store.remove([address]);
    });

    it('removes what it is told to, and nothing else', async () => {
      const a = await put('a/1');
      const b = await put('a/b c%20');
      await put('a/2');
      await store.remove([a.address, b.address]);
      expect(await paths()).toEqual(['a/2']);
    });

    it('stops when it is told to', async () => {
      for (let i = 0; i < 5; i += 1) await put(`${i}`);
      const stop = new AbortController();
      const reason = new Error('enough');
      const listing = async () => {
        for await (const _ of store.list(root, { signal: stop.signal })) stop.abort(reason);
      };
      await expect(listing()).rejects.toBe(reason);
      const { address, etag } = await put('x');
      await expect(store.download(address, join(local, 'x'), { etag }, stop.signal)).rejects.toBe(reason);
      await expect(store.upload(join(local, 'put'), address, stop.signal)).rejects.toBe(reason);
    });

    it('refuses addresses that are not its own', async () => {
      const foreign = parseAddress(root).scheme === 's3' ? 'file:///tmp/x' : 's3://bucket/x';
      await expect(store.head(foreign)).rejects.toMatchObject({ code: 'BAD_INPUT' });
      await expect(store.read('nonsense', 0, 1)).rejects.toMatchObject({ code: 'BAD_INPUT' });
      await expect(paths({}, foreign)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    });
  });
}

import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileStore } from '../../src/connections/file.ts';
import { fileAddress } from '../../src/connections/address.ts';
import type { ObjectStore } from '../../src/connections/object-store.ts';
import { createStage, type Stage } from '../../src/etl/stage.ts';
import type { ManifestFile } from '../../src/model/table.ts';
import { filesBelow } from './lab.ts';

describe('the stage', () => {
  let folder: string;
  let stage: Stage;
  /** The store of files, as one whose files are not local: what is staged has to be downloaded. */
  const { localPath: _, ...remote } = createFileStore();
  let downloads = 0;
  const store: ObjectStore = {
    ...remote,
    async download(...args) {
      downloads += 1;
      await remote.download(...args);
    },
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-stage-'));
    for (const name of ['source', 'run']) mkdirSync(join(folder, name));
    stage = createStage({ folder: join(folder, 'cache'), maxBytes: 250 });
    downloads = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function source(name: string, text: string): Promise<ManifestFile> {
    const path = join(folder, 'source', name);
    writeFileSync(path, text);
    const { address, size, etag } = (await store.head(fileAddress(path))) ?? { address: '', size: 0, etag: '' };
    return { address, size, etag, modified: 0 };
  }
  const place = (file: ManifestFile): Promise<string> => stage.place(store, file, join(folder, 'run'));
  const cached = (): string[] => filesBelow(join(folder, 'cache'));

  it('downloads a file once', async () => {
    const file = await source('a', 'hello');
    expect(readFileSync(await place(file), 'utf8')).toBe('hello');
    expect(readFileSync(await place(file), 'utf8')).toBe('hello');
    expect(downloads).toBe(1);
  });

  it('takes another etag for another file', async () => {
    await place(await source('a', 'hello'));
    expect(readFileSync(await place(await source('a', 'other')), 'utf8')).toBe('other');
    expect(downloads).toBe(2);
  });

  it('serves many at once, and leaves no halves', async () => {
    const four = await Promise.all([0, 1, 2, 3].map((n) => source(`f${n}`, `text ${n}`)));
    const files = [...four, ...four, ...four, ...four, ...four];
    const texts = await Promise.all(files.map(async (file) => readFileSync(await place(file), 'utf8')));
    expect(texts).toEqual(files.map((_file, n) => `text ${n % 4}`));
    expect(cached()).toHaveLength(4);
  });

  it('removes what was not used for longest, and not from under a run', async () => {
    const files = await Promise.all(['a', 'b', 'c'].map((name) => source(name, name.repeat(100))));
    const placed: string[] = [];
    for (const file of files) placed.push(await place(file));
    for (const [n, path] of cached().entries()) utimesSync(path, n, n);
    const oldest = cached()[0] ?? '';
    await stage.trim();
    expect(cached()).toHaveLength(2);
    expect(cached()).not.toContain(oldest);
    expect(placed.map((path) => readFileSync(path, 'utf8').length)).toEqual([100, 100, 100]);
  });

  it('refuses a file that has changed, and one that is gone', async () => {
    const file = await source('a', 'hello');
    writeFileSync(join(folder, 'source', 'a'), 'other');
    await expect(place(file)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
    const local = createFileStore();
    await expect(stage.place(local, file, join(folder, 'run'))).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringContaining('crawl again'),
    });
    rmSync(join(folder, 'source', 'a'));
    await expect(stage.place(local, file, join(folder, 'run'))).rejects.toMatchObject({
      message: expect.stringContaining('not there any more'),
    });
    expect(cached()).toEqual([]);
  });
});

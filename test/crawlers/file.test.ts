import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fileCrawler } from '../../crawlers/file.ts';
import { fileAddress } from '../../src/connections/address.ts';
import { compareBytes } from '../../src/connections/byte-order.ts';
import type { Connections } from '../../src/connections/connections.ts';
import { openTestConnections, type TestConnections } from '../connections/test-connections.ts';
import { crawlAll, describeCrawler, isComplete, objectsOf, seen } from '../contract/crawler.ts';
import { HOSTILE_NAMES } from '../contract/object-store.ts';
import { SKIPS } from '../servers/allowed-skips.ts';

const isRoot = process.getuid?.() === 0;

describeCrawler('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-crawl-'));
  const root = join(folder, 'lake');
  const many = Array.from({ length: 6_000 }, (_, i) => `many/${i}.csv`);
  const paths = [
    ...HOSTILE_NAMES.filter((name) => !name.startsWith('.')).map((name) => `dt=2026-01-01/${name}`),
    'sales/a.csv',
    'sales-b.csv',
    ...many,
  ];
  for (const path of ['dt=2026-01-01', 'sales', 'many', '_temporary', '.hidden'])
    await mkdir(join(root, path), { recursive: true });
  for (const path of [...paths, '_SUCCESS', '_temporary/x', '.hidden/x', 'sales/.crc']) await writeFile(join(root, path), path);
  const test = await openTestConnections();
  return {
    crawler: fileCrawler,
    options: { url: `${fileAddress(root)}/`, exclude: [] },
    connections: test.connections,
    expected: paths.toSorted(compareBytes),
    secrets: [],
    url: fileAddress(root),
    spoil: async () => {
      await rename(join(root, 'sales'), join(folder, 'elsewhere'));
      await symlink(join(folder, 'elsewhere'), join(root, 'sales'));
      return {
        unknown: ['sales'],
        restore: async () => {
          await rm(join(root, 'sales'));
          await rename(join(folder, 'elsewhere'), join(root, 'sales'));
        },
      };
    },
    vanish: () => rename(root, join(folder, 'gone')),
    close: async () => {
      await test.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

describe('crawling files', () => {
  let test: TestConnections;
  let connections: Connections;
  let root: string;

  beforeAll(async () => {
    test = await openTestConnections();
    connections = test.connections;
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tenon-crawl-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  const crawl = (options: Record<string, unknown> = {}) =>
    crawlAll({ crawler: fileCrawler, options: { url: fileAddress(root), ...options }, connections });
  const unknowns = (findings: Awaited<ReturnType<typeof crawl>>['findings']) =>
    findings.flatMap((finding) => (finding.kind === 'unknown' ? [{ path: finding.path, code: finding.error.code }] : []));

  it('reads the head of what it finds, and no longer when the file has changed', async () => {
    await writeFile(join(root, 'a.csv'), 'id,name\n1,x\n');
    const { findings, bill } = await crawl();
    const [found] = findings.flatMap(objectsOf);
    if (found === undefined) throw new Error('There is no object.');
    expect(Buffer.from(await found.read(0, 7)).toString()).toBe('id,name');
    expect(bill).toMatchObject({ lists: 1, gets: 1, bytes: 7 });
    await writeFile(join(root, 'a.csv'), 'id,name\n1,y\n');
    await expect(found.read(0, 7)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
  });

  it('reports links that lead out of the root or nowhere, and follows none, not even in circles', async () => {
    await mkdir(join(root, 'a/b'), { recursive: true });
    await writeFile(join(root, 'a/b/1'), '1');
    await symlink('..', join(root, 'a/circle'));
    await symlink('a/b', join(root, 'inside'));
    await symlink('b/1', join(root, 'a/file'));
    await symlink('/etc', join(root, 'out'));
    await symlink('nowhere', join(root, 'x-dangling'));
    await symlink(root, join(root, 'z-self'));
    const { findings, error } = await crawl();
    expect(error).toBeUndefined();
    expect(seen(findings)).toEqual(['a/b/1']);
    expect(unknowns(findings)).toEqual([
      { path: 'out', code: 'UNSUPPORTED' },
      { path: 'x-dangling', code: 'SOURCE_UNAVAILABLE' },
    ]);
    expect(unknowns((await crawl({ exclude: ['out', 'x-*'] })).findings)).toEqual([]);
  });

  it('reports a link into what it leaves out, since nothing else shows what is there', async () => {
    await mkdir(join(root, '.versions/12'), { recursive: true });
    await symlink('.versions/12', join(root, 'current'));
    const { findings } = await crawl();
    expect(unknowns(findings)).toEqual([{ path: 'current', code: 'UNSUPPORTED' }]);
  });

  it('crawls a root that is itself a link', async () => {
    await mkdir(join(root, 'real'));
    await writeFile(join(root, 'real/1'), '1');
    await symlink('real', join(root, 'link'));
    const { findings } = await crawl({ url: fileAddress(join(root, 'link')) });
    expect(seen(findings)).toEqual(['1']);
  });

  it('reports a name that is not UTF-8 and goes on', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.from([0xff, 0xfe])]), 'x');
    await writeFile(join(root, 'good-\uFFFD'), 'x');
    const { findings } = await crawl();
    expect(seen(findings)).toEqual(['good-\uFFFD']);
    expect(unknowns(findings)).toEqual([{ path: 'bad-\uFFFD\uFFFD', code: 'DATA_UNREADABLE' }]);
  });

  it('leaves sockets and pipes alone, which would block', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const server = createServer().listen(join(root, 'socket'));
    await writeFile(join(root, 'file'), 'x');
    const { findings } = await crawl();
    server.close();
    expect(seen(findings)).toEqual(['file']);
    const store = await connections.objectStore(fileAddress(root));
    await expect(store.read(fileAddress(join(root, 'pipe')), 0, 10)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
    expect(await store.head(fileAddress(join(root, 'pipe')))).toBeUndefined();
  });

  it('leaves out what is hidden, but not partitions that begin with an underscore', async () => {
    for (const path of ['_tmp', '_year=2026', '.git']) await mkdir(join(root, path));
    for (const path of ['_tmp/1', '_year=2026/1', '.git/1', '_SUCCESS', 'a']) await writeFile(join(root, path), 'x');
    expect(seen((await crawl()).findings)).toEqual(['_year=2026/1', 'a']);
    expect(seen((await crawl({ exclude: ['**/1'] })).findings)).toEqual(['a']);
  });

  it('takes a file that vanishes while it is listed for gone, and a folder for unknown', async () => {
    for (const path of ['a', 'b', 'c']) await mkdir(join(root, path));
    for (const path of ['a/1', 'b/1', 'c/1']) await writeFile(join(root, path), 'x');
    const { findings } = await crawlAll(
      { crawler: fileCrawler, options: { url: fileAddress(root) }, connections },
      {
        each: async (_, number) => {
          if (number !== 1) return;
          await rm(join(root, 'b/1'));
          await rm(join(root, 'c'), { recursive: true });
        },
      },
    );
    expect(seen(findings)).toEqual(['a/1']);
    expect(unknowns(findings)).toEqual([{ path: 'c', code: 'SOURCE_UNAVAILABLE' }]);
  });

  it('fails on a root that is not there, and finds nothing in an empty one', async () => {
    const { findings, error } = await crawl({ url: fileAddress(join(root, 'missing')) });
    expect(error).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(findings).toEqual([]);
    expect((await crawl()).findings).toEqual([{ kind: 'checkpoint', cursor: '', complete: true }]);
  });

  it('crawls a single file as a root with one object', async () => {
    await writeFile(join(root, 'one.csv'), 'x');
    const { findings } = await crawl({ url: fileAddress(join(root, 'one.csv')) });
    expect(seen(findings)).toEqual(['one.csv']);
    expect(isComplete(findings)).toBe(true);
  });

  it('says unknown for a folder that another user closed', async (context) => {
    if (!isRoot) return context.skip(SKIPS.notRoot);
    await mkdir(join(root, 'closed'));
    await mkdir(join(root, 'open'));
    await writeFile(join(root, 'closed/1'), 'x');
    await writeFile(join(root, 'open/1'), 'x');
    await chmod(join(root, 'closed'), 0);
    await chmod(root, 0o755);
    const nobody = Number(execFileSync('id', ['-u', 'nobody']).toString());
    process.seteuid?.(nobody);
    try {
      const { findings } = await crawl();
      expect(seen(findings)).toEqual(['open/1']);
      expect(unknowns(findings)).toEqual([{ path: 'closed', code: 'SOURCE_DENIED' }]);
      expect(isComplete(findings)).toBe(true);
    } finally {
      process.seteuid?.(0);
    }
  });
});

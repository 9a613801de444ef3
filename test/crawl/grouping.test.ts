import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, assert as holds, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes } from '../../src/connections/byte-order.ts';
import type { ObjectFinding } from '../../src/crawl/crawler.ts';
import { createGrouping, type Closed } from '../../src/crawl/grouping.ts';
import { tableStem } from '../../src/crawl/layout.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/grouping');
const CASES = readdirSync(FOLDER).flatMap((name) => (name.endsWith('.paths.json') ? [name.replace('.paths.json', '')] : []));

function object(path: string, modified = 0): ObjectFinding {
  const size = path.endsWith('/') || path.endsWith('_$folder$') ? 0 : 10;
  return {
    kind: 'object',
    path,
    location: `s3://b/${path}`,
    size,
    etag: path,
    modified,
    read: () => Promise.reject(new Error('not read')),
  };
}

function group(paths: readonly string[]): Closed[] {
  const grouping = createGrouping(5);
  const sorted = [...new Set(paths)].toSorted(compareBytes);
  return [...sorted.flatMap((path) => grouping.add(object(path))), ...grouping.finish()];
}

function shown(closed: Closed): unknown {
  const layouts = closed.layouts.map((layout) => ({
    name: layout.name,
    stem: tableStem(layout),
    files: layout.files.all().map(({ address }) => address.replace('s3://b/', '')),
  }));
  if (closed.kind === 'partition') {
    return {
      partition: closed.path,
      root: closed.root,
      keys: closed.levels.map(({ key, value }) => `${key}=${value ?? 'null'}`),
      layouts,
    };
  }
  return { folder: closed.path, partitioned: closed.partitioned, hasFolders: closed.hasFolders, layouts };
}

describe('grouping', () => {
  // A new file of paths is a new case; what it gives is written beside it the first time, to be read by a person.
  it.each(CASES)('groups %s as the golden file says', (name) => {
    const paths = JSON.parse(readFileSync(join(FOLDER, `${name}.paths.json`), 'utf8')) as string[];
    const golden = join(FOLDER, `${name}.golden.json`);
    const found = group(paths).map(shown);
    if (!existsSync(golden)) writeFileSync(golden, `${JSON.stringify(found, null, 2)}\n`);
    expect(found).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
  });

  it('tells a folder at the very path that leaves it', () => {
    const grouping = createGrouping(5);
    expect(grouping.add(object('a/dt=1/x'))).toEqual([]);
    expect(grouping.firstOpen()).toBe(0);
    expect(grouping.add(object('a/dt=2/x')).map(shown)).toMatchObject([{ partition: 'a/dt=1/' }]);
    expect(grouping.firstOpen()).toBe(0);
    expect(grouping.add(object('b/x')).map(shown)).toMatchObject([{ partition: 'a/dt=2/' }, { folder: 'a/' }]);
    expect(grouping.firstOpen()).toBe(2);
    expect(grouping.finish().map(shown)).toMatchObject([{ folder: 'b/' }]);
    expect(grouping.firstOpen()).toBeUndefined();
  });

  it('puts every file into exactly one place, whatever the paths are', () => {
    const name = oneof(
      constantFrom('a', 'b', 'k=1', 'k=2', '2024', '01', 'x-1.csv', 'x-2.csv'),
      string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
    );
    const path = array(name, { minLength: 1, maxLength: 5 }).map((names) => names.join('/').replace(/\/+$/, ''));
    holds(
      property(array(path, { maxLength: 30 }), (paths) => {
        const wanted = new Set(
          paths.filter(
            (one) =>
              one !== '' &&
              !one.split('/').some((part) => /^[._]/.test(part) && !part.includes('=')) &&
              !/(^|\/)[._][^/]*$|\.crc$/.test(one) &&
              !one.endsWith('_$folder$'),
          ),
        );
        const placed = group(paths).flatMap(({ layouts }) =>
          layouts.flatMap(({ files }) => files.all().map(({ address }) => address.slice('s3://b/'.length))),
        );
        expect(placed.toSorted()).toEqual([...wanted].toSorted());
      }),
    );
  });

  it('samples the newest, the oldest, and others from all over, and keeps few', () => {
    const grouping = createGrouping(8);
    for (let i = 0; i < 10_000; i += 1) {
      const time = i === 777 ? 99_999 : i === 5_555 ? -1 : i;
      grouping.add(object(`t/dt=1/${String(i).padStart(5, '0')}.csv`, time));
    }
    const [closed] = grouping.finish();
    const samples = closed?.layouts[0]?.samples.map(({ path }) => path) ?? [];
    expect(samples).toHaveLength(8);
    expect(samples).toContain('t/dt=1/00777.csv');
    expect(samples).toContain('t/dt=1/05555.csv');
    expect(samples.some((path) => path > 't/dt=1/08000')).toBe(true);
    expect(closed?.layouts[0]?.files.count).toBe(10_000);
  });

  it('takes all files as samples when they are few', () => {
    const closed = group(['t/dt=1/a.csv', 't/dt=1/b.csv', 't/dt=1/c.csv']);
    expect(closed[0]?.layouts[0]?.samples).toHaveLength(3);
  });

  it('bounds what a folder of a hundred thousand differently named files needs', () => {
    const paths = Array.from(
      { length: 5_000 },
      (_, i) => `t/${i.toString(36).replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? '')}z${'q'.repeat(i % 50)}.csv`,
    );
    const [folder] = group(paths);
    expect(folder?.layouts.length).toBeLessThanOrEqual(1_001);
    expect(folder?.layouts.reduce((sum, { files }) => sum + files.count, 0)).toBe(new Set(paths).size);
  });
});

import { assert as holds, asyncProperty, integer, nat, oneof, string, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes } from '../../src/connections/byte-order.ts';
import { pagesAhead, type GetPage } from '../../src/connections/s3-ahead.ts';
import { keyAhead } from '../../src/connections/s3-boundary.ts';
import { fakeLake } from '../servers/fake-lake.ts';

/** Answers as a bucket of these keys does, after a turn of the loop. */
function bucket(keys: readonly string[], pageKeys: number) {
  const asked = { requests: 0, atOnce: 0, most: 0 };
  const getPage: GetPage = async ({ StartAfter, ContinuationToken }) => {
    asked.requests += 1;
    asked.atOnce += 1;
    asked.most = Math.max(asked.most, asked.atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    asked.atOnce -= 1;
    const after = ContinuationToken ?? StartAfter;
    const from = after === undefined ? 0 : keys.findIndex((key) => compareBytes(key, after) > 0);
    const found = from < 0 ? [] : keys.slice(from, from + pageKeys);
    const next = from >= 0 && from + pageKeys < keys.length ? found.at(-1) : undefined;
    return {
      objects: found.map((key) => ({ address: `s3://b/${key}`, key, size: 1, etag: 'e', modified: 0 })),
      prefixes: [],
      next,
    };
  };
  return { asked, getPage };
}

async function listed(getPage: GetPage, after?: string, slowMs = 0): Promise<string[]> {
  const keys: string[] = [];
  for await (const { objects } of pagesAhead(getPage, after, () => undefined, slowMs))
    keys.push(...objects.map(({ key }) => key));
  return keys;
}

describe('a listing of several stretches at once', () => {
  it('shows each key once and in order, whatever the keys are like', async () => {
    const name = oneof(
      integer({ min: 0, max: 9_999 }).map((n) => `part-${String(n).padStart(4, '0')}`),
      integer({ min: 0, max: 500 }).map((n) => `t${n}/x`),
      integer({ min: 0, max: 9_000 }).map((day) => `dt=${new Date(day * 86_400_000).toISOString().slice(0, 10)}/x`),
      string({ unit: 'binary', minLength: 1, maxLength: 6 }),
    );
    await holds(
      asyncProperty(uniqueArray(name, { maxLength: 400 }), integer({ min: 1, max: 5 }), nat(), async (any, size, n) => {
        const keys = any.toSorted(compareBytes);
        expect(await listed(bucket(keys, size).getPage)).toEqual(keys);
        const after = keys[n % Math.max(1, keys.length)];
        expect(await listed(bucket(keys, size).getPage, after)).toEqual(
          keys.slice(after === undefined ? 0 : keys.indexOf(after) + 1),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('asks for a few more than one after the other would, and for many at once', async () => {
    for (const [partitions, pages] of [
      [300, 30],
      [3_000, 300],
      [10_000, 1_000],
    ] as const) {
      const lake = fakeLake(partitions, 10);
      const keys = Array.from({ length: lake.count }, (_, i) => lake.at(i).key);
      const { asked, getPage } = bucket(keys, 100);
      expect(await listed(getPage)).toEqual(keys);
      expect(asked.requests).toBeLessThanOrEqual(pages * 1.05 + 4);
      expect(asked.most).toBeGreaterThanOrEqual(pages >= 1_000 ? 6 : pages >= 300 ? 4 : 2);
    }
  });

  it('asks for one page ahead where the answers come fast', async () => {
    const lake = fakeLake(1_000, 10);
    const { asked, getPage } = bucket(
      Array.from({ length: lake.count }, (_, i) => lake.at(i).key),
      100,
    );
    await listed(getPage, undefined, 60_000);
    expect(asked).toMatchObject({ requests: 100, most: 1 });
  });

  it('fails where a request fails, after all that comes before it', async () => {
    const lake = fakeLake(2_000, 10);
    const keys = Array.from({ length: lake.count }, (_, i) => lake.at(i).key);
    for (const number of [1, 2, 30, 90, 150]) {
      const { getPage } = bucket(keys, 100);
      let asked = 0;
      const found: string[] = [];
      const listing = async (): Promise<void> => {
        const fail: GetPage = async (from) => {
          asked += 1;
          const isBroken = asked === number;
          const page = await getPage(from);
          if (isBroken) throw new Error('It broke.');
          return page;
        };
        for await (const { objects } of pagesAhead(fail, undefined, () => undefined, 0))
          found.push(...objects.map(({ key }) => key));
      };
      await expect(listing(), String(number)).rejects.toThrow('It broke.');
      expect(found).toEqual(keys.slice(0, found.length));
    }
  });

  it('asks for no more when its reader has gone', async () => {
    const lake = fakeLake(2_000, 10);
    const { asked, getPage } = bucket(
      Array.from({ length: lake.count }, (_, i) => lake.at(i).key),
      100,
    );
    for await (const _ of pagesAhead(getPage, undefined, () => undefined, 0)) break;
    const { requests } = asked;
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(asked.requests).toBe(requests);
  });
});

describe('keyAhead', () => {
  it.each([
    ['t/part-0000.csv', 't/part-0999.csv', 't/part-2997'],
    ['t/dt=2026-01-30/a', 't/dt=2026-02-02/z', 't/dt=2026-02-08'],
    ['y/2026/12/30/a', 'y/2026/12/31/z', 'y/2027/01/02'],
    ['year=2026/month=01/day=01/a', 'year=2026/month=01/day=03/a', 'year=2026/month=01/day=07'],
    ['n=98/a', 'n=99/a', 'n=99'],
    ['a/x', 'b/y', undefined],
    ['n=9/a', 'n=10/a', undefined],
    ['same', 'same', undefined],
  ])('%s to %s leads to %s', (first, last, ahead) => {
    expect(keyAhead(first, last, 2)).toBe(ahead);
  });
});

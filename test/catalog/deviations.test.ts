import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listPartitions } from '../../src/catalog/partitions.ts';
import { findTable } from '../../src/catalog/tables.ts';
import { ADMIN, openLab, type Lab } from '../crawl/lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

describe('partitions that deviate', () => {
  it('are listed as such, page by page, with a predicate or without', async () => {
    for (let i = 0; i < 9; i += 1) {
      const text =
        i % 3 === 1 ? 'id,name\n1,a\n2,b\n' : i % 3 === 2 ? 'id,name,extra\none,a,1\ntwo,b,2\n' : 'extra,id,name\n1,x,a\n2,y,b\n';
      lab.put({ [`t/n=${i}/x.csv`]: text });
    }
    await lab.crawl();
    const table = await findTable(lab.t.db, ADMIN, { database: 'lake', name: 't' });
    if (table === undefined) throw new Error('no table');
    const list = async (predicate: string | undefined, first: number) => {
      const found: (string | null | undefined)[] = [];
      for (let after: string | undefined; ;) {
        const page = await listPartitions(lab.t.db, ADMIN, table, { deviating: true, predicate }, { first, after });
        found.push(...page.items.map(({ item }) => item.values[0]));
        after = page.items.at(-1)?.cursor;
        if (!page.hasNextPage) return found;
      }
    };
    // The table has the columns id string, name string and extra bigint: the second of three has fewer, and numbers.
    expect(await list(undefined, 2)).toEqual(['1', '4', '7']);
    expect(await list('n > 1', 1)).toEqual(['4', '7']);
    expect(await list('n in (1, 2, 7)', 10)).toEqual(['1', '7']);
    expect(await list('n = 0', 10)).toEqual([]);
  });
});

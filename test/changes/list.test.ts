import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { latestPosition, listChanges, parsePosition, type ChangeFilter } from '../../src/changes/list.ts';
import { write } from '../../src/changes/write.ts';
import type { ChangeKind } from '../../src/model/change.ts';
import type { Actor } from '../../src/model/principal.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

const BY: Actor = { principal: { id: 'p1', name: 'ada', role: 'editor' }, owner: 'api' };

describe('listChanges', () => {
  let t: TestDb;
  beforeAll(async () => {
    t = await openTestDb();
    expect(await latestPosition(t.db)).toBe(0n);
    const entries: [string, string, string, ChangeKind][] = [
      ['a', 'lake', 'orders', 'table.created'],
      ['b', 'lake', 'customers', 'table.created'],
      ['a', 'lake', 'orders', 'table.changed'],
      ['c', 'house', 'orders', 'table.created'],
      ['a', 'lake', 'orders', 'partitions.changed'],
    ];
    for (const [id, database, table, kind] of entries) {
      await write(t.ground, BY, async (w) => (await w.entry({ id, database, table })).note({ kind }));
    }
  });
  afterAll(() => t.close());

  const positions = async (filter: ChangeFilter, page = { first: 100 }) =>
    (await listChanges(t.db, filter, page)).items.map(({ item }) => Number(item.position));

  it('filters by database, table, subject, kind and position', async () => {
    expect(await positions({})).toEqual([1, 2, 3, 4, 5]);
    expect(await positions({ database: 'lake' })).toEqual([1, 2, 3, 5]);
    expect(await positions({ database: 'lake', table: 'orders' })).toEqual([1, 3, 5]);
    expect(await positions({ subject: 'c' })).toEqual([4]);
    expect(await positions({ kinds: ['table.created'] })).toEqual([1, 2, 4]);
    expect(await positions({ kinds: [] })).toEqual([]);
    expect(await positions({ exceptKinds: ['table.created'] })).toEqual([3, 5]);
    expect(await positions({ after: 2n, before: 5n })).toEqual([3, 4]);
    expect(await latestPosition(t.db)).toBe(5n);
  });

  it('pages with cursors, in both directions', async () => {
    for (const newestFirst of [false, true]) {
      const seen: number[] = [];
      let after: string | undefined;
      for (;;) {
        const page = await listChanges(t.db, { newestFirst }, { first: 2, after });
        seen.push(...page.items.map(({ item }) => Number(item.position)));
        after = page.items.at(-1)?.cursor;
        if (!page.hasNextPage) break;
      }
      expect(seen).toEqual(newestFirst ? [5, 4, 3, 2, 1] : [1, 2, 3, 4, 5]);
    }
  });

  it.each(['', '-1', '1.5', 'x', '9'.repeat(19), "1' or '1'='1"])('refuses the cursor «%s»', async (after) => {
    await expect(listChanges(t.db, {}, { first: 1, after })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(() => parsePosition(after)).toThrow('is no position');
  });
});

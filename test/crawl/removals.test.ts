import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bigInt, array, assert as holds, property, uniqueArray } from 'fast-check';
import { listChanges } from '../../src/changes/list.ts';
import { recordTable, findTable } from '../../src/catalog/tables.ts';
import { write } from '../../src/changes/write.ts';
import { contentOf, itemsOf } from '../../src/crawl/removal-content.ts';
import { approveRemoval, listRemovals, needRemoval, rejectRemoval, type RemovalState } from '../../src/crawl/removals.ts';
import type { Partition, Table } from '../../src/model/table.ts';
import type { Principal } from '../../src/model/principal.ts';
import { ADMIN, openLab, type Lab } from './lab.ts';
import { scripted } from './scripted.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const CSV = 'id,name\n1,a\n2,b\n';
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const names = async (): Promise<string[]> => (await lab.catalog()).map(({ name }) => name);
const values = async (): Promise<string[]> =>
  (await lab.catalog()).flatMap(({ partitions }) => partitions.map((one) => one.values));
const all = async (): Promise<[string, RemovalState][]> =>
  (await listRemovals(lab.t.db, ADMIN, {}, { first: 100 })).items.map(({ item }) => [item.id, item.state]);

/** A lake that has lost 12 of its 20 tables, and 12 of the 20 partitions of one more. The rest is there. */
async function loseMuch(): Promise<string> {
  lab.put(Object.fromEntries(range(20).map((i) => [`t${i}/x.csv`, CSV])));
  lab.put(Object.fromEntries(range(20).map((i) => [`p/n=${i}/x.csv`, CSV])));
  await lab.crawl();
  lab.put(
    Object.fromEntries(
      range(12).flatMap((i) => [
        [`t${i}`, undefined],
        [`p/n=${i}`, undefined],
      ]),
    ),
  );
  const { state, result } = await lab.crawl();
  expect(state).toBe('INCOMPLETE');
  return result.parked?.removal ?? '';
}

describe('a mass removal', () => {
  it('waits, shows what it would remove, and does just that when it is approved', async () => {
    const id = await loseMuch();
    const { crawler, state, content } = await needRemoval(lab.t.db, ADMIN, id);
    expect([crawler, state, content.tables, content.partitions]).toEqual(['lake', 'PARKED', 12, 12]);
    expect(content.shown.tables).toContain('lake.t11');
    expect(content.shown.partitions).toContainEqual({ table: 'lake.p', partition: 'n=11' });
    expect(await names()).toHaveLength(21);

    const { removal, ...counts } = await approveRemoval(lab.t.ground, ADMIN, id, 5);
    expect([removal.state, removal.decidedBy, counts]).toEqual(['APPROVED', 'admin', { tables: 12, partitions: 12, kept: 0 }]);
    expect(await names()).toEqual(['p', ...range(8).map((i) => `t${i + 12}`)]);
    expect(await values()).toEqual([...range(8).map((i) => `n=${i + 12}`), ...range(8).map(() => '')]);
    const before = await lab.changes();
    const next = await lab.crawl();
    expect([next.state, next.result.removed, await lab.changes()]).toEqual(['SUCCEEDED', 0, before]);
  });

  it('is in the log when it is parked and when it is decided, with who did it', async () => {
    const id = await loseMuch();
    await approveRemoval(lab.t.ground, ADMIN, id, 1_000);
    const { items } = await listChanges(lab.t.db, { kinds: ['removal.parked', 'removal.decided'] }, { first: 10 });
    expect(items.map(({ item: { kind, by, after } }) => ({ kind, principal: by.principal, after }))).toEqual([
      { kind: 'removal.parked', principal: 'admin', after: { crawler: 'lake', tables: 12, partitions: 12 } },
      {
        kind: 'removal.decided',
        principal: 'admin',
        after: { crawler: 'lake', state: 'APPROVED', tables: 12, partitions: 12, kept: 0 },
      },
    ]);
  });

  it('keeps its id while crawls find the same, and is superseded when they find something else', async () => {
    const first = await loseMuch();
    expect((await lab.crawl()).result.parked?.removal).toBe(first);
    lab.put({ t12: undefined });
    const second = (await lab.crawl()).result.parked?.removal ?? '';
    expect(await all()).toEqual([
      [second, 'PARKED'],
      [first, 'SUPERSEDED'],
    ]);
    lab.put(
      Object.fromEntries(
        range(20).flatMap((i) => [
          [`t${i}/x.csv`, CSV],
          [`p/n=${i}/x.csv`, CSV],
        ]),
      ),
    );
    expect((await lab.crawl()).state).toBe('SUCCEEDED');
    expect(await all()).toEqual([
      [second, 'SUPERSEDED'],
      [first, 'SUPERSEDED'],
    ]);
    await expect(approveRemoval(lab.t.ground, ADMIN, second, 1_000)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await names()).toHaveLength(21);
  });

  it('stays as it is while crawls do not see everything', async () => {
    const id = await loseMuch();
    for (const script of [{ incomplete: true }, { failAfter: 3 }]) await lab.crawl({ crawler: scripted(script) });
    expect(await all()).toEqual([[id, 'PARKED']]);
  });

  it('is not asked for again when it was rejected, until something else is missing', async () => {
    const id = await loseMuch();
    expect((await rejectRemoval(lab.t.ground, ADMIN, id)).state).toBe('REJECTED');
    const again = await lab.crawl();
    expect([again.state, again.result.parked, await names()]).toEqual([
      'SUCCEEDED',
      undefined,
      expect.toSatisfy((all: string[]) => all.length === 21),
    ]);
    expect(again.log).toContain('info: 12 tables and 12 partitions are gone and stay: somebody rejected their removal.');
    lab.put({ t12: undefined });
    const changed = await lab.crawl();
    expect([changed.state, changed.result.parked?.tables]).toEqual(['INCOMPLETE', 13]);
    await expect(rejectRemoval(lab.t.ground, ADMIN, id)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('leaves what has changed, has come back or is another’s by now', async () => {
    const id = await loseMuch();
    const { ground, db } = lab.t;
    // One was described by a person, one belongs to a job now, and of one a partition was seen again.
    const touch = async (name: string, owner: string): Promise<void> => {
      const table = await findTable(db, ADMIN, { database: 'lake', name });
      if (table === undefined) throw new Error(`no ${name}`);
      const { database, type, location = '', schema, parameters } = table;
      await write(ground, { principal: ADMIN, owner: 'api' }, (w) =>
        recordTable(w, { database, name, type, location, schema, parameters, description: owner }),
      );
    };
    await touch('t3', 'kept by hand');
    lab.put({ 't4/x.csv': 'id,name\n3,c\n', 'p/n=5/x.csv': 'id,name\n3,c\n' }, new Date('2026-11-05T00:00:00Z'));
    await lab.crawl({ crawler: scripted({ incomplete: true }) });
    const { tables, partitions, kept } = await approveRemoval(ground, ADMIN, id, 1_000);
    expect({ tables, partitions, kept }).toEqual({ tables: 10, partitions: 11, kept: 3 });
    expect((await names()).filter((name) => ['t2', 't3', 't4'].includes(name))).toEqual(['t3', 't4']);
    expect(await values()).toContain('n=5');
  });

  it('is decided once, and by who may write', async () => {
    const id = await loseMuch();
    const reader: Principal = { id: 'r', name: 'r', role: 'reader' };
    await expect(approveRemoval(lab.t.ground, reader, id, 10)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(rejectRemoval(lab.t.ground, reader, id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(needRemoval(lab.t.db, ADMIN, 'nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const ends = await Promise.allSettled([
      approveRemoval(lab.t.ground, ADMIN, id, 1_000),
      rejectRemoval(lab.t.ground, ADMIN, id),
    ]);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('goes on where an approval was cut off', async () => {
    const id = await loseMuch();
    const { ground } = lab.t;
    let ids = 0;
    const broken = {
      ...ground,
      clock: () => {
        ids += 1;
        if (ids === 4) throw new Error('crash');
        return ground.clock();
      },
    };
    await expect(approveRemoval(broken, ADMIN, id, 5)).rejects.toThrow('crash');
    expect((await all())[0]).toEqual([id, 'PARKED']);
    const { tables, partitions, kept } = await approveRemoval(ground, ADMIN, id, 5);
    expect(partitions + tables + kept).toBe(24);
    expect(kept).toBeGreaterThan(0);
    expect(await names()).toHaveLength(9);
  });
});

describe('the content of a removal', () => {
  const table = (id: string): Table => ({
    id,
    database: 'd',
    name: id,
    type: 'table',
    owner: 'o',
    parameters: {},
    version: 1,
    schema: { columns: [], partitionKeys: [{ name: 'n', type: { kind: 'string' } }] },
  });
  const partition = (id: bigint): Partition => ({ id, tableId: 't', values: [String(id)], location: '', owner: 'o', files: 0 });

  it('gives back just the ids that it packed, and the same fingerprint in any order', () => {
    const ids = uniqueArray(bigInt({ min: 1n, max: 2n ** 62n }), { minLength: 1, maxLength: 50 });
    holds(
      property(array(ids, { maxLength: 5 }), (lists) => {
        const partitions = lists.map((one, i) => ({ table: table(`t${i}`), absent: one.map(partition) }));
        const content = contentOf({ tables: [table('b'), table('a')], partitions });
        const sorted = lists.map((one, i) => ({ table: `t${i}`, ids: one.toSorted((a, b) => (a < b ? -1 : 1)) }));
        expect(itemsOf(content)).toEqual({ tables: ['a', 'b'], partitions: sorted });
        const turned = partitions.map((one) => ({ ...one, absent: one.absent.toReversed() })).toReversed();
        expect(contentOf({ tables: [table('a'), table('b')], partitions: turned }).fingerprint).toBe(content.fingerprint);
      }),
    );
  });

  it('shows a thousand at most, and packs a million partitions into little', () => {
    const absent = range(200_000).map((i) => partition(BigInt(i + 7)));
    const content = contentOf({ tables: range(2_000).map((i) => table(`t${i}`)), partitions: [{ table: table('x'), absent }] });
    expect([content.shown.tables.length, content.shown.partitions.length]).toEqual([1_000, 1_000]);
    expect(JSON.stringify(content).length).toBeLessThan(200_000);
    expect(itemsOf(content).partitions[0]?.ids).toHaveLength(200_000);
  });
});

describe('the threshold of tables', () => {
  it.each(['tenon', 'glue'])('fails the crawl before anything is written, grouped by %s', async (grouping) => {
    lab.put(Object.fromEntries(range(6).map((i) => [`t${i}/x.json`, `{"a${i}":1,"b${i}":2}\n`])));
    const before = await lab.changes();
    const options = { crawler: scripted({ checkpoints: 1 }), limits: { transactionRows: 2 } };
    const over = await lab.crawl({ ...options, settings: { grouping, tableThreshold: 5 } });
    expect([over.state, over.error?.code, over.error?.details]).toEqual(['FAILED', 'LIMIT', { limit: 5 }]);
    // The definition of the crawler is all that the log has to tell.
    expect(await lab.changes()).toBe(before + 1);
    expect(await names()).toEqual([]);
    const fits = await lab.crawl({ ...options, settings: { grouping, tableThreshold: 6 } });
    expect([fits.state, (await names()).length]).toEqual(['SUCCEEDED', 6]);
  });

  it('removes nothing either when a later crawl is over it', async () => {
    lab.put({ 'a/x.csv': CSV, 'b/x.csv': CSV });
    await lab.crawl({ settings: { tableThreshold: 2 } });
    lab.put({ a: undefined, 'c/x.csv': CSV, 'd/x.csv': CSV });
    expect((await lab.crawl({ settings: { tableThreshold: 2 } })).state).toBe('FAILED');
    expect(await names()).toEqual(['a', 'b']);
  });

  it('writes nothing when the crawl is stopped before all is counted', async () => {
    lab.put(Object.fromEntries(range(6).map((i) => [`t${i}/x.csv`, CSV])));
    const stop = new AbortController();
    const crawler = scripted({ checkpoints: 1, onObject: (path) => path.startsWith('t4') && stop.abort() });
    const run = crypto.randomUUID();
    const settings = { tableThreshold: 6 };
    expect((await lab.crawl({ crawler, settings, run, signal: stop.signal })).state).toBe('STOPPED');
    expect(await names()).toEqual([]);
    expect((await lab.crawl({ settings, run })).state).toBe('SUCCEEDED');
    expect(await names()).toHaveLength(6);
  });
});

import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresIndex } from '../../src/search/postgres.ts';
import type { SearchIndex } from '../../src/search/search-index.ts';
import { describeSearchIndex, documentOf } from '../contract/search-index.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

describeSearchIndex({
  name: 'in Postgres',
  open: async () => {
    const t = await openTestDb();
    return { index: openPostgresIndex(t.db), db: t.db, settled: async () => undefined, close: () => t.close() };
  },
});

describe('the term dictionary', () => {
  let t: TestDb;
  let index: SearchIndex;
  beforeAll(async () => {
    t = await openTestDb();
    index = openPostgresIndex(t.db);
  });
  afterAll(() => t.close());

  /** Counted anew from the documents, and as the dictionary has them. */
  const counts = async () => {
    const { rows } = await t.db.execute<{ counted: unknown; kept: unknown }>(sql`
      select (select jsonb_object_agg(term, documents) from search_terms) as kept,
        (select jsonb_object_agg(term, n) from (
          select term, count(*) as n from search_documents, unnest(tsvector_to_array(words)) term where term !~ '^[=@#~-]' group by 1) x) as counted`);
    return rows[0];
  };

  it('stays true while documents come, change and go', async () => {
    const check = async (): Promise<void> => {
      const found = await counts();
      expect(found?.kept).toEqual(found?.counted);
    };
    const some = ['lake', 'lake.orders', 'lake.orders.id', 'lake.orders.customerId', 'house.orders'].map((name) =>
      documentOf(name, 'some words, some twice'),
    );
    await index.put(t.db, some);
    await check();
    await index.put(t.db, [documentOf('lake.orders', 'other words'), ...some.slice(0, 2), documentOf('lake.orders.id')]);
    await check();
    await index.remove(t.db, { tableIds: ['lake.orders'], except: ['table:lake.orders'] });
    await check();
    await index.remove(t.db, { database: 'lake' });
    await check();
    await index.remove(t.db, { database: 'house' });
    expect(await counts()).toEqual({ kept: null, counted: null });
  });

  it('stays true when many write at once', async () => {
    await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const names = Array.from({ length: 20 }, (__, i) =>
          documentOf(`lake.t${(n + i) % 15}.column_${i % 7}`, `by writer ${n % 3}`),
        );
        await index.put(t.db, n % 2 === 0 ? names : names.reverse());
        if (n % 3 === 0) await index.remove(t.db, { tableIds: [`lake.t${n}`] });
      }),
    );
    const found = await counts();
    expect(found?.kept).toEqual(found?.counted);
  });

  it('writes nothing when the same documents come again', async () => {
    const versions = async () =>
      (
        await t.db.execute(
          sql`select id, xmin::text from search_documents union all select term, xmin::text from search_terms order by 1`,
        )
      ).rows;
    const documents = ['again', 'again.and', 'again.and.again'].map((name) => documentOf(name, name));
    await index.put(t.db, documents);
    const before = await versions();
    await index.put(t.db, documents);
    expect(await versions()).toEqual(before);
  });

  it('takes part in the transaction that it is given', async () => {
    const undone = t.db.transaction(async (tx) => {
      await index.put(tx, [documentOf('undone')]);
      throw new Error('on purpose');
    });
    await expect(undone).rejects.toThrow('on purpose');
    expect((await index.search({ text: 'undone', first: 1 })).items).toEqual([]);
  });

  it('finds the right one of many names that are typed with one typo', async () => {
    const words = vocabulary();
    await index.clear(t.db);
    await index.put(
      t.db,
      words.map((word) => documentOf(`lake.${word}`)),
    );
    const random = randomNumbers(7);
    let found = 0;
    const tries = 200;
    for (let i = 0; i < tries; i++) {
      const word = words[random(words.length)] ?? '';
      const { items } = await index.search({ text: withTypo(word, random), kinds: ['table'], first: 3 });
      if (items.some(({ item }) => item.name === `lake.${word}`)) found += 1;
    }
    expect(found / tries).toBeGreaterThanOrEqual(0.95);
  });
});

/** 1,200 different words of two or three syllables; many are near each other. */
function vocabulary(): string[] {
  const first = ['cus', 'or', 'pro', 'in', 'ship', 'pay', 'ac', 'sub', 're', 'de', 'trans', 'con'];
  const second = ['tom', 'duc', 'voi', 'men', 'coun', 'scrip', 'tur', 'liv', 'ac', 'ver'];
  const third = ['er', 'tion', 'ces', 'ting', 'ment', 'ary', 'ule', 'sion', 'ics', 'al'];
  return first.flatMap((a) => second.flatMap((b) => third.map((c) => a + b + c)));
}

/** A letter left out, doubled, replaced, or swapped with its neighbour; never the first. */
function withTypo(word: string, random: (below: number) => number): string {
  const at = 1 + random(word.length - 2);
  const kind = random(4);
  if (kind === 0) return word.slice(0, at) + word.slice(at + 1);
  if (kind === 1) return word.slice(0, at) + word[at] + word.slice(at);
  if (kind === 2) return `${word.slice(0, at)}z${word.slice(at + 1)}`;
  return word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2);
}

function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

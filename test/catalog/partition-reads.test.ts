import { sql } from 'drizzle-orm';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readingOf, selectRows } from '../../src/catalog/partition-reads.ts';
import {
  endPartitions,
  listPartitions,
  recordPartitions,
  streamPartitions,
  type PartitionFilter,
} from '../../src/catalog/partitions.ts';
import { latestPosition } from '../../src/changes/list.ts';
import type { Position } from '../../src/model/change.ts';
import { matches } from '../../src/model/predicate.ts';
import { parsePredicate } from '../../src/model/predicate-parser.ts';
import type { Table } from '../../src/model/table.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asCrawler, columns, itemsOf, makeSales, partition, reader, valuesOf } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
afterAll(() => t.close());

const KEYS = columns('s string', 'n int', 'd date', 'x double', 'fifth string');
const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'abc',
  'b',
  'é',
  '🦫',
  '%',
  '_',
  'a%b',
  '\\',
  "it's",
  '"',
  '\u0001',
  '10',
  '9',
  '\uffff',
  null,
];
const NUMBERS = ['-10', '-9', '0', '7', '10', '100', null];
const DATES = ['2025-12-31', '2026-01-01', '2026-02-01', null];
const DOUBLES = ['-1.5', '0', '1e10', '2', null];

const anyValues = fc.tuple(
  fc.constantFrom(...TEXTS),
  fc.constantFrom(...NUMBERS),
  fc.constantFrom(...DATES),
  fc.constantFrom(...DOUBLES),
  fc.constantFrom('p', 'q', null),
);

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
const textLiteral = fc.constantFrom(...TEXTS.filter((text) => text !== null)).map(quote);
const numberLiteral = fc.constantFrom('-10', '-9.5', '7', '10', '1000');
const dateLiteral = fc.constantFrom("'2026-01-01'", "'2025-12-31'", "DATE '2026-02-01'");
const keyAndLiteral = fc.oneof(
  textLiteral.map((literal) => ['s', literal]),
  numberLiteral.map((literal) => ['n', literal]),
  dateLiteral.map((literal) => ['d', literal]),
  fc.constantFrom('-1.5', '0', '2.0').map((literal) => ['x', literal]),
  fc.constantFrom("'p'", "'q'").map((literal) => ['fifth', literal]),
);
const operator = fc.constantFrom('=', '!=', '<', '<=', '>', '>=');
const pattern = fc
  .constantFrom(
    '%',
    'a%',
    '_',
    'a_',
    '%b%',
    'a\\%%',
    '\\',
    '🦫%',
    '',
    '%1%',
    '2026-%',
    '%-01-__',
    '2026-01%',
    '\u0001%',
    '\uffff%',
  )
  .map(quote);
const not = fc.constantFrom('', 'NOT ');
const { predicate } = fc.letrec<{ predicate: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(
    fc.tuple(keyAndLiteral, operator).map(([[key, literal], sign]) => `${key} ${sign} ${literal}`),
    fc.tuple(fc.constantFrom('s', 'n', 'd', 'fifth'), not, pattern).map(([key, no, like]) => `${key} ${no}LIKE ${like}`),
    fc.tuple(fc.array(textLiteral, { minLength: 1, maxLength: 4 }), not).map(([list, no]) => `s ${no}IN (${list.join(', ')})`),
    fc.tuple(fc.array(numberLiteral, { minLength: 1, maxLength: 4 }), not).map(([list, no]) => `n ${no}IN (${list.join(', ')})`),
    fc.tuple(dateLiteral, dateLiteral, not).map(([low, high, no]) => `d ${no}BETWEEN ${low} AND ${high}`),
    fc.tuple(fc.constantFrom('s', 'n', 'fifth'), not).map(([key, no]) => `${key} IS ${no}NULL`),
  ),
  predicate: fc.oneof(
    { maxDepth: 4 },
    tie('leaf'),
    fc.tuple(tie('predicate'), fc.constantFrom('AND', 'OR'), tie('predicate')).map(([a, word, b]) => `(${a} ${word} ${b})`),
    tie('predicate').map((inner) => `NOT (${inner})`),
  ),
}));

async function inPages(table: Table, filter: PartitionFilter, first: number): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await listPartitions(t.db, reader, table, filter, { first, after });
    expect(page.items.length).toBeLessThanOrEqual(first);
    for (const { values } of itemsOf(page)) found.push(values.map((value) => value ?? 'null').join('/'));
    after = page.hasNextPage ? page.items.at(-1)?.cursor : undefined;
  } while (after !== undefined);
  return found.sort();
}

describe('predicates', () => {
  let table: Table;
  let earlier: Position;
  let present: (string | null)[][];
  let past: (string | null)[][];

  beforeAll(async () => {
    const sample = fc.sample(
      fc.uniqueArray(anyValues, { minLength: 300, maxLength: 400, selector: (values) => JSON.stringify(values) }),
      { numRuns: 1, seed: 7 },
    );
    past = sample[0] ?? [];
    table = await makeSales(
      t.ground,
      past.map((values) => partition(values)),
      { schema: { columns: columns('c int'), partitionKeys: KEYS } },
    );
    earlier = await latestPosition(t.db);
    const ids: bigint[] = [];
    for await (const { id, values } of streamPartitions(t.db, reader, table, { predicate: "fifth = 'p'" })) {
      if (values[1] !== '7') ids.push(id);
    }
    await asCrawler(t.ground, async (w) => {
      await endPartitions(w, table, ids);
      await recordPartitions(
        w,
        table,
        past.filter((values) => values[4] === 'q').map((values) => partition(values, 'switched')),
      );
    });
    present = past.filter((values) => values[4] !== 'p' || values[1] === '7');
  });

  const expected = (rows: readonly (string | null)[][], text: string) => {
    const parsed = parsePredicate(text, KEYS);
    const meant = rows.filter((values) => matches(parsed, values, KEYS));
    return meant.map((values) => values.map((value) => value ?? 'null').join('/')).sort();
  };

  it('mean in SQL what they mean in memory, now and then, in pages and in streams', async () => {
    await fc.assert(
      fc.asyncProperty(predicate, fc.integer({ min: 1, max: 60 }), async (text, first) => {
        const now = expected(present, text);
        const then = expected(past, text);
        expect(await inPages(table, { predicate: text }, first)).toEqual(now);
        expect(await inPages(table, { predicate: text, asOf: earlier }, 100)).toEqual(then);
        expect(await valuesOf(t.ground, table, { predicate: text, batch: 17 })).toEqual(now);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it('with long lists of IN and of OR give everything once', async () => {
    const numbers = Array.from({ length: 150 }, (_, i) => String(i - 20));
    for (const text of [
      `n IN (${numbers.join(',')})`,
      numbers.map((n) => `n = ${n}`).join(' OR '),
      `s IN ('a','b','a') OR n IN (7, 10)`,
    ]) {
      expect(await inPages(table, { predicate: text }, 7)).toEqual(expected(present, text));
    }
  });

  it('give the same when none is given', async () => {
    const texts = (rows: readonly (string | null)[][]) =>
      rows.map((values) => values.map((value) => value ?? 'null').join('/')).sort();
    expect(await inPages(table, {}, 10)).toEqual(texts(present));
    expect(await inPages(table, { asOf: earlier }, 10)).toEqual(texts(past));
    expect(await inPages(table, { asOf: 0n }, 10)).toEqual([]);
  });

  it('that are wrong are refused with BAD_PREDICATE', async () => {
    for (const text of ['nope = 1', 'n =', "s = 'a", 'n < x', "d > 'yesterday'"]) {
      await expect(listPartitions(t.db, reader, table, { predicate: text }, { first: 1 })).rejects.toMatchObject({
        code: 'BAD_PREDICATE',
      });
    }
    expect(await inPages(table, { predicate: `s = '"; drop table partitions; --'` }, 5)).toEqual([]);
  });

  it('refuse the cursor of another predicate', async () => {
    const page = await listPartitions(t.db, reader, table, { predicate: 'n > 0' }, { first: 1 });
    const after = page.items[0]?.cursor;
    expect(after).toBeDefined();
    await expect(listPartitions(t.db, reader, table, { predicate: 'n > 1' }, { first: 1, after })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    await expect(
      listPartitions(t.db, reader, table, { predicate: 'n > 0', asOf: earlier }, { first: 1, after }),
    ).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});

describe('a stream', () => {
  it('sees each partition once, as it was at its start, while others are switched', async () => {
    const drafts = Array.from({ length: 50 }, (_, i) => partition([`2026-01-${String((i % 28) + 1).padStart(2, '0')}`, `r${i}`]));
    const table = await makeSales(t.ground, drafts, { name: 'moving' });
    const seen: string[] = [];
    for await (const { manifestHash } of streamPartitions(t.db, reader, table, { batch: 7, predicate: "dt >= '2026-01-01'" })) {
      seen.push(manifestHash ?? '');
      if (seen.length % 10 === 0) {
        const next = drafts.map(({ values }) => partition(values, `after-${seen.length}`));
        await asCrawler(t.ground, (w) => recordPartitions(w, table, next));
      }
    }
    expect(seen.sort()).toEqual(drafts.map(({ manifest }) => manifest.hash).sort());
  });
});

describe('50,000 partitions', () => {
  let table: Table;

  beforeAll(async () => {
    const keys = columns('a int', 'b date', 'c string', 'd int');
    table = await makeSales(t.ground, [], { name: 'big', schema: { columns: columns('x int'), partitionKeys: keys } });
    // Written as recordPartitions would, but in one statement: what is asked here is how they are found.
    await t.db.execute(sql`
      insert into partitions (table_id, "values", key, location, owner, files, added)
      select ${table.id}, array[n::text, day::text, 'c' || n % 500, (n % 7)::text],
        array['1' || lpad(length(n::text)::text, 4, '0') || n, day::text, 'c' || n % 500, '10001' || n % 7], '', 'crawler:lake', 1, 1
      from (select n, date '2020-01-01' + n % 1000 as day from generate_series(1, 50000) n) numbers`);
    await t.db.execute(sql`analyze partitions`);
  }, 60_000);

  async function plan(text: string, asOf?: Position): Promise<string> {
    const reading = readingOf(table, text, asOf);
    const plans: string[] = [];
    for (const access of reading.accesses) {
      const { rows } = await t.db.execute<{ 'QUERY PLAN': string }>(
        sql`explain ${selectRows(t.db, reading, access, undefined, 100).getSQL()}`,
      );
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
    }
    return plans.join('\n');
  }

  it.each([
    ['a = 4711', /partitions_current|partitions_key1/],
    ['a >= 100 AND a < 200', /partitions_current|partitions_key1/],
    ["b = '2020-03-01'", /partitions_key2/],
    ["b BETWEEN '2020-03-01' AND '2020-03-05'", /partitions_key2/],
    ["c = 'c17'", /partitions_key3/],
    ["c LIKE 'c1%'", /partitions_key3/],
    ["b LIKE '2020-03-%'", /partitions_key2/],
    ["c IN ('c1', 'c2')", /partitions_key3/],
    ["c = 'c1' OR b = '2020-03-01'", /partitions_key[23]/],
    ['d > 5', /partitions_key4/],
    ['d = 5', /partitions_key4/],
    ["a = 4711 AND b >= '2020-01-01'", /partitions_current|partitions_key[12]/],
  ])('answer %s by an index, without sorting', async (text, index) => {
    for (const asOf of [undefined, 10_000n]) {
      const found = await plan(text, asOf);
      expect(found).toMatch(index);
      expect(found).not.toMatch(/Seq Scan|Sort/);
    }
  });

  it('answer a long IN by its index, and read the whole key’s index for no predicate', async () => {
    expect(await plan(`a IN (${Array.from({ length: 100 }, (_, i) => i * 499).join(', ')})`)).toMatch(/partitions_key1/);
    const reading = readingOf(table, undefined, undefined);
    const [access] = reading.accesses;
    expect(access?.order).toBe('key');
  });

  it('are streamed whole', async () => {
    let count = 0;
    for await (const _ of streamPartitions(t.db, reader, table, { batch: 5_000 })) count++;
    expect(count).toBe(50_000);
  });
});

import { describe, expect, it } from 'vitest';
import { createBudget, type Clock } from '../../crawlers/dynamodb-budget.ts';
import { describeSample } from '../../crawlers/dynamodb-describe.ts';
import { remember, type Sample } from '../../crawlers/dynamodb-memory.ts';
import { sampleTable, type SamplePlan } from '../../crawlers/dynamodb-sample.ts';
import { unitsPerSecond } from '../../crawlers/dynamodb-table.ts';
import type { DynamodbItem, DynamodbSource } from '../../src/connections/dynamodb.ts';
import { seeded, SHOP, shopItem } from './single-table.ts';

/** Time that passes only where somebody sleeps. */
function handClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  };
}

/** As large a table as one likes: its items are made when a scan comes to them. */
function endlessTable(items: number, rarest: number) {
  const used = { scans: 0, units: 0 };
  const source: Pick<DynamodbSource, 'scan'> = {
    async scan({ segment, totalSegments, limit, after }) {
      used.scans += 1;
      const page: DynamodbItem[] = [];
      const end = Math.floor(((segment + 1) * items) / totalSegments);
      let n = after === undefined ? Math.floor((segment * items) / totalSegments) : Number(after['n']?.N);
      for (; n < end && page.length < limit; n += 1) page.push(shopItem(n, rarest, seeded(n)));
      const bytes = page.reduce((sum, item) => sum + JSON.stringify(item).length, 0);
      const capacityUnits = Math.max(0.5, Math.ceil(bytes / 4_096) / 2);
      used.units += capacityUnits;
      return { items: page, capacityUnits, next: n < end ? { n: { N: String(n) } } : undefined };
    },
  };
  return { source, used };
}

const PLAN: SamplePlan = {
  table: 'shop',
  keys: ['PK', 'SK'],
  estimate: { items: 1_000_000, bytes: 200_000_000 },
  scanAll: false,
  patience: 20_000,
};

async function sample(plan: SamplePlan, source: Pick<DynamodbSource, 'scan'>, budget = { rate: 1e9, total: 5_000 }, seed = 1) {
  const clock = handClock();
  const bill = { gets: 0, rows: 0, capacityUnits: 0 };
  const { entities, whole } = await sampleTable(plan, {
    source,
    budget: createBudget(budget.rate, budget.total, clock),
    signal: new AbortController().signal,
    random: seeded(seed),
    spend: (cost) => {
      for (const key of ['gets', 'rows', 'capacityUnits'] as const) bill[key] += cost[key];
    },
  });
  return { found: describeSample(entities, whole), bill, seconds: clock.now() / 1_000 };
}

const templates = ({ entityTypes }: Sample) =>
  Object.fromEntries(entityTypes.map(({ name, keyTemplate }) => [name, keyTemplate]));

describe('a sample of a million items of six types, of which the rarest is one in 10,000', () => {
  it('finds five of them at once and the sixth within three crawls, all with their exact keys', async () => {
    for (const first of [1, 100]) {
      const { source, used } = endlessTable(1_000_000, 10_000);
      let known: Sample | undefined;
      for (let crawl = 0; crawl < 3; crawl += 1) {
        const { found, bill } = await sample(PLAN, source, undefined, first + crawl);
        expect(found.whole).toBe(false);
        expect(bill.rows).toBeLessThan(100_000);
        known = remember(known, found);
        if (crawl === 0)
          expect(
            Object.entries(SHOP).filter(([name, keys]) => JSON.stringify(templates(found)[name]) === JSON.stringify(keys)).length,
          ).toBeGreaterThanOrEqual(5);
      }
      expect(templates(known as Sample), `from seed ${first}`).toEqual(SHOP);
      expect(used.scans).toBeLessThan(3_000);
    }
  }, 60_000);

  it('is content once it knows all: nothing of what it remembers moves', async () => {
    const { source } = endlessTable(1_000_000, 1_000);
    const first = (await sample(PLAN, source)).found;
    for (let seed = 2; seed < 5; seed += 1)
      expect(remember(first, (await sample(PLAN, source, undefined, seed)).found)).toBe(first);
  }, 60_000);

  it('keeps to its budget, in all and by the second', async () => {
    for (const total of [5, 50, 500]) {
      const { source, used } = endlessTable(1_000_000, 10_000);
      const { bill } = await sample({ ...PLAN, patience: 1_000_000 }, source, { rate: 1e9, total });
      expect(used.units).toBe(bill.capacityUnits);
      expect(used.units).toBeLessThanOrEqual(total * 1.05);
      expect(used.units).toBeGreaterThan(total * 0.7);
    }
    for (const rate of [1, 10, 100]) {
      const { source, used } = endlessTable(1_000_000, 10_000);
      const { seconds } = await sample({ ...PLAN, patience: 1_000_000 }, source, { rate, total: 300 });
      expect(used.units / seconds).toBeLessThanOrEqual(rate * 1.05);
      expect(used.units / seconds).toBeGreaterThan(rate * 0.8);
    }
  });

  it('reads no more of a table that says too little of itself', async () => {
    const { source } = endlessTable(1_000_000, 10_000);
    const { found, bill } = await sample({ ...PLAN, estimate: { items: 0, bytes: 0 }, patience: 1_000 }, source);
    expect(found.whole).toBe(false);
    expect(bill.rows).toBeLessThan(20_000);
    expect(found.entityTypes.length).toBeGreaterThanOrEqual(5);
  });

  it('ends in a table that is empty but says that it is large, and reads a small one whole', async () => {
    const empty = endlessTable(0, 10_000);
    expect((await sample(PLAN, empty.source)).found).toMatchObject({ items: 0, entityTypes: [] });
    expect(empty.used.scans).toBeLessThan(100);
    const small = endlessTable(1_234, 100);
    expect((await sample({ ...PLAN, estimate: { items: 1_000, bytes: 0 } }, small.source)).found).toMatchObject({
      items: 1_234,
      whole: true,
    });
  });
});

describe('the capacity of a table that a crawl may use', () => {
  it('is half of what is provisioned and a quarter of what is on demand, or as the options say', () => {
    const provisioned = { ProvisionedThroughput: { ReadCapacityUnits: 100 } };
    const onDemand = { BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' as const } };
    expect(unitsPerSecond(provisioned, {})).toBe(50);
    expect(unitsPerSecond(provisioned, { scanRate: 1.5 })).toBe(150);
    expect(unitsPerSecond(onDemand, {})).toBe(3_000);
    expect(unitsPerSecond({ ...onDemand, OnDemandThroughput: { MaxReadRequestUnits: 400 } }, { scanRate: 0.5 })).toBe(200);
    expect(unitsPerSecond(provisioned, { readUnits: 7 })).toBe(7);
    expect(unitsPerSecond({ ProvisionedThroughput: { ReadCapacityUnits: 1 } }, { scanRate: 0.1 })).toBe(0.5);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Crawler } from '../../crawlers/s3.ts';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import { createS3Store, type S3Store } from '../../src/connections/s3.ts';
import { findCrawler } from '../../src/crawl/crawlers.ts';
import { keepEvents } from '../../src/crawl/events.ts';
import { FAULTS, startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { knownLines } from './known-lines.ts';
import { ADMIN, openLab, storeConnections, type CrawlEnd, type Lab } from './lab.ts';

const csv = (n: number) => Buffer.from(`id,amount\n${n},1.5\n`);

/** `test/e2e/s3-faults.test.ts` does the same with crawls of everything. */
describe.each(['new-folders', 'events'] as const)('a crawl whose Nth request fails: %s', (recrawl) => {
  let lab: Lab;
  let fake: FakeS3;
  let store: S3Store;
  let changes = 9;

  beforeAll(async () => {
    lab = await openLab();
    fake = await startFakeS3();
    store = createS3Store({ endpoint: fake.url, accessKeyId: 'key' }, 'secret', {
      ...CONNECTION_LIMITS,
      attempts: 1,
      requestTimeoutMs: 200,
    });
    for (let n = 1; n <= 9; n += 1) fake.bucket.put(`sales/dt=2026-01-0${n}/a.csv`, csv(n));
    fake.bucket.put('stores/a.csv', csv(1));
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { tables: 2 } });
  });
  afterAll(async () => {
    store.close();
    await fake.close();
    await lab.close();
  });

  const crawl = (): Promise<CrawlEnd> =>
    lab.crawl({
      crawler: s3Crawler,
      options: { url: 's3://lake/' },
      settings: { recrawl },
      connections: storeConnections(store),
    });

  /** A new partition and a new table, of which the events tell; and an event about what is there. */
  async function changeSource(): Promise<string> {
    changes += 1;
    const keys = [`sales/dt=2027-01-${changes}/a.csv`, `new${changes}/a.csv`, 'sales/dt=2026-01-01/a.csv'];
    for (const key of keys.slice(0, 2)) fake.bucket.put(key, csv(changes));
    const id = (await findCrawler(lab.t.db, ADMIN, 'lake'))?.id ?? '';
    const events = keys.map((key) => ({ kind: 'created', location: `s3://lake/${key}` }) as const);
    if (recrawl === 'events') await keepEvents(lab.t.ground, id, events, 1_000);
    return `new${changes}`;
  }

  it.each(FAULTS)(
    'removes nothing, says what is unknown, and the next crawl is whole: %s',
    async (fault) => {
      await changeSource();
      const start = fake.requests.length;
      expect(await crawl()).toMatchObject({ state: 'SUCCEEDED' });
      const made = fake.requests.slice(start);
      expect(made.length).toBeGreaterThan(3);
      for (const [index, { path }] of made.entries()) {
        // Only a listing has pages, and keys in them that can be lost.
        if ((fault === 'cut-page' || fault === 'lost-keys') && !path.includes('list-type')) continue;
        const before = await knownLines(lab);
        const table = await changeSource();
        fake.fail(fault, index);
        const { state, error, result } = await crawl();
        fake.fail(fault, 0, 0);
        const what = `${fault} at request ${index}: ${state} ${JSON.stringify(error ?? result.unknowns)}`;
        const after = new Set(await knownLines(lab));
        expect(
          before.filter((line) => !after.has(line)),
          what,
        ).toEqual([]);
        expect([result.removed, result.partitionsRemoved], what).toEqual([0, 0]);
        // A page of one key has none to lose.
        if (state !== 'SUCCEEDED' || fault !== 'lost-keys') expect(state === 'FAILED' || result.unknown > 0, what).toBe(true);
        expect(await crawl(), what).toMatchObject({ state: 'SUCCEEDED', result: { unknown: 0 } });
        expect(await knownLines(lab), what).toContain(table);
      }
      const log = await lab.changes();
      expect(await crawl()).toMatchObject({ state: 'SUCCEEDED' });
      expect(await lab.changes()).toBe(log);
    },
    60_000,
  );
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { s3Crawler } from '../../crawlers/s3.ts';
import { findCrawler } from '../../src/crawl/crawlers.ts';
import { hasEvents, keepEvents } from '../../src/crawl/events.ts';
import type { FakeS3 } from '../servers/fake-s3.ts';
import { ADMIN, type CrawlEnd } from './lab.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

const csv = (rows: string) => Buffer.from(`id,amount\n${rows}\n`);
const RECRAWLS = ['everything', 'new-folders', 'events'] as const;

describe('a crawl that is stopped', () => {
  let lab: S3Lab;
  let fake: FakeS3;

  beforeEach(async () => {
    lab = await openS3Lab();
    ({ fake } = lab);
    fake.bucket.put('t00/dt=2026-01-01/a.csv', csv('0,1.5'));
  });
  afterEach(async () => {
    await lab.close();
  });

  /** Stops after so many pages of objects. */
  async function crawl(recrawl: string, stopAfter?: number): Promise<CrawlEnd> {
    const stop = new AbortController();
    let pages = 0;
    const crawler: typeof s3Crawler = {
      ...s3Crawler,
      async *crawl(options, context) {
        for await (const finding of s3Crawler.crawl(options, context)) {
          yield finding;
          if (finding.kind === 'objects' && (pages += 1) === stopAfter) stop.abort();
        }
      },
    };
    return lab.crawl({
      crawler,
      settings: { recrawl },
      signal: stop.signal,
    });
  }

  const names = async () => (await lab.catalog()).map(({ name }) => name);

  it.each(RECRAWLS)('keeps what it has saved, and the next one finds the rest: %s', async (recrawl) => {
    await crawl(recrawl);
    const keys: string[] = [];
    for (let table = 1; table <= 4; table += 1) {
      for (let file = 0; file < 600; file += 1) keys.push(`t0${table}/dt=2026-01-01/${String(file).padStart(3, '0')}.csv`);
    }
    for (const key of keys) fake.bucket.put(key, csv('1,1.5'));
    const crawler = await findCrawler(lab.t.db, ADMIN, 'lake');
    const id = crawler?.id ?? '';
    const events = keys.map((key) => ({ kind: 'created', location: `s3://lake/${key}` }) as const);
    if (recrawl === 'events') await keepEvents(lab.t.ground, id, events, 10_000);

    const stopped = await crawl(recrawl, 2);
    expect(stopped).toMatchObject({ state: 'STOPPED', result: { removed: 0 } });
    const kept = await names();
    expect(kept).toContain('t01');
    expect(kept).not.toContain('t04');
    expect(await hasEvents(lab.t.db, id)).toBe(recrawl === 'events');

    const { state, result } = await crawl(recrawl);
    expect([state, result.removed]).toEqual(['SUCCEEDED', 0]);
    expect(await names()).toEqual(['t00', 't01', 't02', 't03', 't04']);
    expect(result.added).toBe(5 - kept.length);
    expect(await hasEvents(lab.t.db, id)).toBe(false);
    const changes = await lab.changes();
    await crawl(recrawl);
    expect(await lab.changes()).toBe(changes);
  });
});

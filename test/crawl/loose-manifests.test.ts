import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileCrawler } from '../../crawlers/file.ts';
import { removeLooseManifests } from '../../src/catalog/loose-manifests.ts';
import { packManifest, saveManifests } from '../../src/catalog/manifests.ts';
import type { Finding } from '../../src/crawl/crawler.ts';
import { onReached } from '../../src/model/reached.ts';
import { openLab, type Lab } from './lab.ts';

/** As many as are kept before their partitions are saved, and a few more. */
const MANY = 1_100;

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

function layDays(count: number, at: Date): void {
  lab.put(Object.fromEntries(Array.from({ length: count }, (_, n) => [`sales/n=${n}/a.csv`, `id,amount\n${n},1.5\n`])), at);
}

async function count(what: string): Promise<number> {
  const { rows } = await lab.t.db.execute<{ n: string }>(sql.raw(`select count(*) as n from ${what}`));
  return Number(rows[0]?.n);
}

const loose = (): Promise<number> =>
  count('manifests where hash not in (select manifest_hash from partitions where manifest_hash is not null)');

/** Dies when the partitions of a table are about to be saved. */
async function die(run: string): Promise<void> {
  const off = onReached((label) => {
    if (label === 'crawl.before-save') throw new Error('killed');
  });
  await expect(lab.crawl({ run })).rejects.toThrow('killed');
  off();
}

const [FIRST, SECOND] = [new Date('2026-11-01T00:00:00Z'), new Date('2026-11-02T00:00:00Z')];

describe('manifests that a crawl has kept before it died', () => {
  it('are used by the next attempt', async () => {
    const run = crypto.randomUUID();
    layDays(MANY, FIRST);
    await die(run);
    expect([await count('manifests'), await count('partitions')]).toEqual([1_000, 0]);
    expect(await lab.crawl({ run, attempt: 2 })).toMatchObject({ state: 'SUCCEEDED', result: { partitions: MANY } });
    expect([await count('manifests'), await loose()]).toEqual([MANY, 0]);
  });

  it('are removed at its end where the files are others by then', async () => {
    const run = crypto.randomUUID();
    layDays(MANY, FIRST);
    await die(run);
    layDays(MANY, SECOND);
    const { state, log } = await lab.crawl({ run, attempt: 2 });
    expect(state).toBe('SUCCEEDED');
    expect(log.join('\n')).toContain('1000 lists of files that an attempt before had kept were removed');
    expect([await count('manifests'), await loose()]).toEqual([MANY, 0]);
    expect((await lab.catalog())[0]?.partitions.every(({ files }) => files.length === 1)).toBe(true);
  });

  it('are removed by a clean-up, but not while a crawl is under way', async () => {
    const run = crypto.randomUUID();
    layDays(MANY, FIRST);
    await die(run);
    // Nobody has taken it over yet.
    expect(await removeLooseManifests(lab.t.ground)).toBe(0);
    await lab.t.db.execute(sql`update runs set state = 'FAILED' where id = ${run}`);
    expect(await removeLooseManifests(lab.t.ground)).toBe(1_000);
    expect(await count('manifests')).toBe(0);
    expect(await removeLooseManifests(lab.t.ground)).toBe(0);
    // Nothing of it is left in the way of others.
    expect(await count("pg_indexes where indexname like 'loose%'")).toBe(0);
    expect(await lab.crawl()).toMatchObject({ state: 'SUCCEEDED', result: { partitions: MANY } });
  });

  it('stay where something names them: partitions of now and then, and the files that are no tables', async () => {
    layDays(3, FIRST);
    lab.put({ 'other/x.bin': Buffer.from([0, 1, 2, 250]) });
    await lab.crawl();
    layDays(3, SECOND);
    lab.put({ 'sales/n=2': undefined });
    await lab.crawl();
    const before = await count('manifests');
    expect(before).toBe(3 + 2 + 1);
    const stray = packManifest([{ address: 'file:///x', size: 1, etag: 'e', modified: 0 }]);
    await saveManifests(lab.t.db, [stray]);
    expect(await removeLooseManifests(lab.t.ground)).toBe(1);
    expect(await count('manifests')).toBe(before);
    expect((await lab.crawl()).result.bill.gets).toBe(0);
  });

  it('are not taken from a crawl that is about to name them', async () => {
    layDays(MANY, FIRST);
    const removed: number[] = [];
    const crawler: typeof fileCrawler = {
      ...fileCrawler,
      async *crawl(options, context): AsyncGenerator<Finding> {
        for await (const finding of fileCrawler.crawl(options, context)) {
          yield finding;
          if ((await loose()) > 0) removed.push(await removeLooseManifests(lab.t.ground));
        }
      },
    };
    const off = lab.onSave(() => removed.push(-1));
    expect(await lab.crawl({ crawler })).toMatchObject({ state: 'SUCCEEDED', result: { partitions: MANY } });
    off();
    expect(removed.filter((n) => n > 0)).toEqual([]);
    expect([await count('manifests'), await loose()]).toEqual([MANY, 0]);
  });
});

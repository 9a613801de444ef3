import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { write } from '../../src/changes/write.ts';
import { defineClassifier } from '../../src/crawl/custom-classifiers.ts';
import { ADMIN, openLab, type CrawlEnd, type Lab } from './lab.ts';
import { scripted } from './scripted.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

/** Of no known format, in whatever folder. */
const binary = (n: number): Uint8Array => Buffer.concat([Buffer.from([0, 1, 2, 3, 250, 251, n]), Buffer.alloc(64, 200 + n)]);
const csv = (n: number): string => `id,amount\n${n},1.5\n${n + 1},2.5\n`;

function lake(): Record<string, string | Uint8Array> {
  const files: Record<string, string | Uint8Array> = {
    'top.bin': binary(0),
    'words/note.txt': 'a line\n',
    'only/x.bin': binary(1),
  };
  for (let n = 1; n <= 3; n += 1) {
    files[`sales/n=${n}/part-0.csv`] = csv(n);
    files[`sales/n=${n}/data.bin`] = binary(n);
    files[`blobs/n=${n}/data.bin`] = binary(n);
  }
  for (let n = 1; n <= 20; n += 1) files[`many/blob-${n}.bin`] = binary(n);
  return files;
}

const gets = (end: CrawlEnd): number => end.result.bill.gets;
const skipped = (end: CrawlEnd): string[] => end.result.skipped.map(({ path, reason }) => `${path}: ${reason}`).toSorted();
const manifests = async (): Promise<number> =>
  Number((await lab.t.db.execute<{ n: string }>(sql`select count(*) as n from manifests`)).rows[0]?.n);

describe.each([{}, { grouping: 'glue' }, { inventory: 'footers' }, { samplePartitions: 'all' }])(
  'files that are no tables, with %j',
  (settings) => {
    it('are read once, and told of in each crawl', async () => {
      lab.put(lake());
      const first = await lab.crawl({ settings });
      expect([first.state, gets(first) > 12]).toEqual(['SUCCEEDED', true]);
      expect(skipped(first)).toContain('only/x.bin: not of a known format');
      const before = [await lab.catalog(), await lab.changes(), await manifests()];
      for (let again = 0; again < 3; again += 1) {
        const end = await lab.crawl({ settings });
        expect([end.state, gets(end), skipped(end)]).toEqual(['SUCCEEDED', 0, skipped(first)]);
      }
      expect([await lab.catalog(), await lab.changes(), await manifests()]).toEqual(before);
    });

    it('are read again when they have changed, and alone', async () => {
      lab.put(lake());
      await lab.crawl({ settings });
      lab.put({ 'sales/n=2/data.bin': binary(9), 'only/x.bin': csv(7) }, new Date('2026-11-02T00:00:00Z'));
      const second = await lab.crawl({ settings });
      expect(gets(second)).toBe(2);
      expect((await lab.catalog()).map(({ name }) => name)).toContain('only');
      expect(gets(await lab.crawl({ settings }))).toBe(0);
    });
  },
);

describe('what is known to be no table', () => {
  it('is looked at again with other classifiers, and with those alone of the crawler', async () => {
    lab.put({ 'notes/a.txt': 'one 1\ntwo 2\n', 'sales/a.csv': csv(1) });
    await lab.crawl();
    expect(gets(await lab.crawl())).toBe(0);
    const pattern = { name: 'notes', kind: 'grok', options: { pattern: '%{WORD:word} %{INT:n:int}' } };
    await write(lab.t.ground, { principal: ADMIN, owner: 'api' }, (w) => defineClassifier(w, pattern));
    expect(gets(await lab.crawl())).toBe(0);
    const settings = { classifiers: ['notes'] };
    await lab.crawl({ settings });
    expect((await lab.catalog()).find(({ name }) => name === 'notes')?.columns).toEqual(['word string', 'n int']);
  });

  it('stays known through a crawl that fails, is stopped, or looks at a part', async () => {
    lab.put(lake());
    await lab.crawl();
    expect((await lab.crawl({ crawler: scripted({ failAfter: 3 }) })).state).toBe('INCOMPLETE');
    expect((await lab.crawl({ crawler: scripted({ unknown: 'many' }) })).state).toBe('INCOMPLETE');
    const stop = new AbortController();
    const stopping = scripted({ onObject: (path) => path.startsWith('many') && stop.abort() });
    expect((await lab.crawl({ crawler: stopping, signal: stop.signal })).state).toBe('STOPPED');
    expect(gets(await lab.crawl())).toBe(0);
    const settings = { recrawl: 'new-folders' };
    await lab.crawl({ settings });
    lab.put({ 'new/x.bin': binary(4), 'sales/n=4/part-0.csv': csv(4) });
    await lab.crawl({ settings });
    const partly = await lab.crawl({ settings });
    expect([partly.result.mode, gets(partly)]).toEqual(['new-folders', 0]);
    expect(gets(await lab.crawl({ settings, params: { everything: true } }))).toBe(0);
  });

  it('is bounded: what is beyond the limit is read again', async () => {
    for (let n = 1; n <= 8; n += 1) lab.put({ [`b${n}/x.bin`]: binary(n) });
    const config = { dismissedFiles: 5 };
    expect(gets(await lab.crawl({ config }))).toBe(8);
    expect(gets(await lab.crawl({ config }))).toBe(3);
    expect(gets(await lab.crawl({ config }))).toBe(3);
  });

  it('forgets what is gone', async () => {
    lab.put(lake());
    await lab.crawl();
    lab.put({ many: undefined, 'top.bin': undefined });
    await lab.crawl();
    const [kept] = (
      await lab.t.db.execute<{ packed: Buffer }>(sql`
        select packed from manifests
        where hash = (select checkpoint -> 'dismissed' ->> 'manifest' from runs order by created_at desc limit 1)`)
    ).rows;
    expect(kept?.packed.includes('blobs/')).toBe(true);
    expect(kept?.packed.includes('many/')).toBe(false);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileCrawler } from '../../crawlers/file.ts';
import { postgresCrawler } from '../../crawlers/postgres.ts';
import { s3Crawler } from '../../crawlers/s3.ts';
import { write } from '../../src/changes/write.ts';
import { defineCrawler, dropCrawler, findCrawler, listCrawlers, type CrawlerDraft } from '../../src/crawl/crawlers.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { ADMIN } from './lab.ts';

const KINDS = [fileCrawler, s3Crawler, postgresCrawler];
const LAKE: CrawlerDraft = { name: 'Lake', kind: 'file', options: { url: 'file:///lake' }, database: 'lake' };

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
afterAll(() => t.close());

const define = (draft: CrawlerDraft, as = ADMIN) =>
  write(t.ground, { principal: as, owner: 'api' }, (w) => defineCrawler(w, draft, KINDS));
const changes = async (): Promise<number> =>
  Number((await t.db.execute<{ n: string }>('select count(*) as n from changes')).rows[0]?.n);

describe('the definition of a crawler', () => {
  it('is kept, found by its name in any case, and logged once', async () => {
    const made = await define(LAKE);
    expect(await findCrawler(t.db, ADMIN, 'LAKE')).toEqual(made);
    const before = await changes();
    expect(await define(LAKE)).toEqual(made);
    expect(await changes()).toBe(before);
    const changed = await define({ ...LAKE, database: 'other' });
    expect([changed.id, changed.database]).toEqual([made.id, 'other']);
    expect(await changes()).toBe(before + 1);
  });

  it('keeps what it looks at while it looks at new folders only (R19)', async () => {
    const fresh: CrawlerDraft = { ...LAKE, name: 'fresh', settings: { recrawl: 'new-folders', grouping: 'glue' } };
    await define(fresh);
    for (const other of [{ options: { url: 'file:///elsewhere' } }, { connection: 'elsewhere' }])
      await expect(define({ ...fresh, ...other })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(await define({ ...fresh, description: 'new days' })).toMatchObject({ description: 'new days' });
    expect(await define({ ...fresh, connection: 'elsewhere', settings: {} })).toMatchObject({ connection: 'elsewhere' });
    await write(t.ground, { principal: ADMIN, owner: 'api' }, (w) => dropCrawler(w, 'fresh'));
  });

  it('is refused when the kind or its options are wrong, or the role is too low', async () => {
    await expect(define({ ...LAKE, kind: 'ftp' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(define({ ...LAKE, options: { url: 's3://x' } })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(define({ ...LAKE, name: 'a/b' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(define(LAKE, { ...ADMIN, role: 'reader' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('is listed in pages, and may end and begin again', async () => {
    for (const name of ['c1', 'c2', 'c3']) await define({ ...LAKE, name });
    const first = await listCrawlers(t.db, ADMIN, { first: 2 });
    const second = await listCrawlers(t.db, ADMIN, { first: 9, after: first.items.at(-1)?.cursor });
    expect([...first.items, ...second.items].map(({ item }) => item.name)).toEqual(['c1', 'c2', 'c3', 'lake']);
    expect([first.hasNextPage, second.hasNextPage]).toEqual([true, false]);
    await write(t.ground, { principal: ADMIN, owner: 'api' }, (w) => dropCrawler(w, 'c2'));
    expect(await findCrawler(t.db, ADMIN, 'c2')).toBeUndefined();
    await expect(write(t.ground, { principal: ADMIN, owner: 'api' }, (w) => dropCrawler(w, 'c2'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect((await define({ ...LAKE, name: 'c2' })).name).toBe('c2');
  });
});

describe('what a crawler covers', () => {
  const files = fileCrawler.parse({ url: 'file:///lake/a', exclude: ['tmp/**', '**/*.bak'] });
  const tables = postgresCrawler.parse({
    host: 'db',
    database: 'shop',
    schemas: { include: ['pub%'], exclude: [] },
    tables: { include: [], exclude: ['%\\_old', 'x%y'] },
  });

  it.each([
    ['file:///lake/a/x.csv', true],
    ['file:///lake/a/dt=1/', true],
    ['file:///lake/ab/x.csv', false],
    ['file:///lake/a/tmp/x.csv', false],
    ['file:///lake/a/tmp/', false],
    ['file:///lake/a/b/c.bak', false],
    ['file:///lake/a/_hidden/x.csv', false],
  ])('is for %s %s', (location, covered) => {
    expect(fileCrawler.covers(files, location)).toBe(covered);
  });

  it.each([
    ['postgres://db:5432/shop/public/orders', true],
    ['postgres://db:5432/shop/sales/orders', false],
    ['postgres://db:5432/shop/public/x-and-y', false],
    ['postgres://db:5432/other/public/orders', false],
    ['postgres://elsewhere:5432/shop/public/orders', false],
  ])('is for %s %s', (location, covered) => {
    expect(postgresCrawler.covers(tables, location)).toBe(covered);
  });
});

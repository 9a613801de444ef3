import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase } from '../../src/catalog/databases.ts';
import { recordTable } from '../../src/catalog/tables.ts';
import { write } from '../../src/changes/write.ts';
import { ADMIN, openLab, type Lab } from './lab.ts';
import { scripted } from './scripted.ts';
import { pathToFileURL } from 'node:url';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const CSV = 'id,name\n1,a\n2,b\n';
const names = async (): Promise<string[]> => (await lab.catalog()).map(({ name }) => name);
const values = async (): Promise<string[]> =>
  (await lab.catalog()).flatMap(({ partitions }) => partitions.map((one) => one.values));

describe('what a crawl does not find', () => {
  it('is removed when the crawl saw everything', async () => {
    lab.put({ 'a/x.csv': CSV, 'b/dt=1/x.csv': CSV, 'b/dt=2/x.csv': CSV });
    await lab.crawl();
    lab.put({ a: undefined, 'b/dt=1': undefined });
    const { state, result } = await lab.crawl();
    expect([state, result.removed, result.changed, result.partitionsRemoved]).toEqual(['SUCCEEDED', 1, 1, 1]);
    expect(await names()).toEqual(['b']);
    expect(await values()).toEqual(['dt=2']);
  });

  it('stays when the listing ended early, failed, or could not look there', async () => {
    lab.put({ 'a/x.csv': CSV, 'b/dt=1/x.csv': CSV, 'b/dt=2/x.csv': CSV, 'c/x.csv': CSV });
    await lab.crawl();
    const before = await lab.catalog();
    for (const script of [
      { incomplete: true },
      { failAfter: 1 },
      { failAfter: 2 },
      { unknown: 'a' },
      { unknown: 'b' },
      { unknown: 'b/dt=2' },
      { unknown: 'c/x.csv' },
    ]) {
      const { state, result } = await lab.crawl({ crawler: scripted(script) });
      expect([state, result.removed, result.changed, result.partitionsRemoved]).toEqual(['INCOMPLETE', 0, 0, 0]);
      expect(await lab.catalog()).toEqual(before);
    }
    expect((await lab.crawl()).state).toBe('SUCCEEDED');
  });

  it('stays below a root of which something is unknown, even if it is really gone', async () => {
    lab.put({ 'b/dt=1/x.csv': CSV, 'b/dt=2/x.csv': 'id,name,extra\n1,a,2\n', 'b/dt=3/x.csv': CSV });
    await lab.crawl();
    lab.put({ 'b/dt=2': undefined });
    const { result } = await lab.crawl({ crawler: scripted({ unknown: 'b/dt=3' }) });
    expect(result.unknowns).toMatchObject([{ path: 'b/dt=3', status: 'unknown', code: 'SOURCE_DENIED' }]);
    expect(await values()).toEqual(['dt=1', 'dt=2', 'dt=3']);
    await lab.crawl();
    expect(await values()).toEqual(['dt=1', 'dt=3']);
    expect((await lab.catalog())[0]?.columns).toEqual(['id bigint', 'name string']);
  });

  it('stays when everything was unknown', async () => {
    lab.put({ 'a/x.csv': CSV });
    await lab.crawl();
    const { state } = await lab.crawl({ crawler: scripted({ unknown: 'a' }) });
    expect(state).toBe('INCOMPLETE');
    expect(await names()).toEqual(['a']);
  });

  it('fails when nothing could be listed at all', async () => {
    lab.put({ 'a/x.csv': CSV });
    await lab.crawl();
    const end = await lab.crawl({ options: { url: pathToFileURL(`${lab.root}/missing`).href } });
    expect(end.state).toBe('FAILED');
    expect(end.error?.code).toMatch(/^(NOT_FOUND|SOURCE_UNAVAILABLE)$/);
    expect(await names()).toEqual(['a']);
  });

  it('is parked when it is suspiciously much, until somebody says so', async () => {
    lab.put(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t${i}/x.csv`, CSV])));
    await lab.crawl();
    for (let i = 0; i < 12; i += 1) lab.put({ [`t${i}`]: undefined });
    const parked = await lab.crawl();
    expect([parked.state, parked.result.removed]).toEqual(['INCOMPLETE', 0]);
    expect(parked.result.parked).toMatchObject({ tables: 12, partitions: 0 });
    expect(await names()).toHaveLength(20);
    const { state, result } = await lab.crawl({ params: { acceptRemovals: true } });
    expect([state, result.removed]).toEqual(['SUCCEEDED', 12]);
    expect(await names()).toHaveLength(8);
  });

  it('is parked for partitions too, and what else has changed is saved', async () => {
    lab.put(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t/n=${i}/x.csv`, CSV])));
    await lab.crawl();
    for (let i = 0; i < 12; i += 1) lab.put({ [`t/n=${i}`]: undefined });
    lab.put({ 't/n=99/x.csv': 'id,name,more\n1,a,2\n' });
    const { state, result } = await lab.crawl();
    expect([state, result.partitionsRemoved, result.partitionsAdded]).toEqual(['INCOMPLETE', 0, 1]);
    expect(result.parked).toEqual({ tables: 0, partitions: 12, names: ['t'], removal: expect.any(String) as string });
    expect((await lab.catalog())[0]?.columns).toEqual(['id bigint', 'name string', 'more bigint']);
    expect((await lab.crawl({ params: { acceptRemovals: true } })).result.partitionsRemoved).toBe(12);
  });

  it('is out of scope, and not gone, when the definition covers it no longer', async () => {
    lab.put({ 'a/x.csv': CSV, 'b/dt=1/x.csv': CSV, 'b/dt=2/x.csv': CSV, 'b/dt=2/old.csv': CSV });
    await lab.crawl();
    // What is left out is said on the tables that are found: no part of what is compared here.
    const shown = async () => (await lab.catalog()).map((table) => ({ ...table, parameters: {} }));
    const before = await shown();
    const url = pathToFileURL(lab.root).href;
    const narrowed = await lab.crawl({ options: { url, exclude: ['a/**', 'b/dt=1/'] } });
    expect([narrowed.state, narrowed.result.removed, narrowed.result.partitionsRemoved]).toEqual(['SUCCEEDED', 0, 0]);
    expect(await shown()).toEqual(before);
    await lab.crawl({ options: { url, exclude: ['b/dt=1/*.csv', 'a/*'] } });
    expect(await shown()).toEqual(before);
    await lab.crawl({ options: { url: `${url}/b` } });
    expect((await names()).filter((name) => name === 'a')).toEqual(['a']);
  });

  it('is nobody else’s business: what a job published is skipped and never removed', async () => {
    lab.put({ 'a/x.csv': CSV, 'out/dt=1/x.csv': CSV, 'outside/x.csv': CSV });
    const location = `${pathToFileURL(lab.root).href}/out/`;
    await write(lab.t.ground, { principal: ADMIN, owner: 'job:nightly' }, async (w) => {
      await createDatabase(w, { name: 'lake' });
      await recordTable(w, {
        database: 'lake',
        name: 'published',
        type: 'table',
        location,
        schema: { columns: [], partitionKeys: [] },
      });
    });
    const { result } = await lab.crawl();
    expect(result.skipped).toEqual([{ path: location.slice(0, -1), reason: 'belongs to job:nightly' }]);
    expect(await names()).toEqual(['a', 'outside', 'published']);
    lab.put({ out: undefined });
    await lab.crawl();
    expect(await names()).toEqual(['a', 'outside', 'published']);
  });

  it('leaves the tables of another crawler alone', async () => {
    lab.put({ 'a/x.csv': CSV, 'b/x.csv': CSV });
    const url = pathToFileURL(lab.root).href;
    await lab.crawl({ name: 'one', options: { url: `${url}/a` } });
    await lab.crawl({ name: 'two', options: { url: `${url}/b` } });
    expect(await names()).toEqual(['a', 'b']);
    await lab.crawl({ name: 'three', database: 'other' });
    expect(await names()).toEqual(['a', 'b', 'a', 'b']);
  });
});

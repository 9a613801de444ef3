import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTable, recordTable } from '../../src/catalog/tables.ts';
import { write } from '../../src/changes/write.ts';
import type { CrawlSettings } from '../../src/crawl/settings.ts';
import { gzipSync } from 'node:zlib';
import { ADMIN, openLab, type CatalogTable, type Lab } from './lab.ts';
import { scripted } from './scripted.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const CSV = 'id,name\n1,a\n2,b\n';
const tables = async (): Promise<Record<string, CatalogTable>> =>
  Object.fromEntries((await lab.catalog()).map((table) => [table.name, table]));
const later = new Date('2026-11-02T00:00:00Z');

describe('a changed schema', () => {
  // One source that has lost a column, gained one, and has texts where there were numbers.
  it.each<[CrawlSettings['updateBehavior'], string[], number]>([
    ['update', ['id string', 'extra boolean'], 0],
    ['merge', ['id bigint', 'name string', 'extra boolean'], 1],
    ['log', ['id bigint', 'name string'], 1],
  ])('under %s gives these columns', async (updateBehavior, columns, logged) => {
    const settings = { updateBehavior };
    lab.put({ 't/x.csv': CSV });
    await lab.crawl({ settings });
    lab.put({ 't/x.csv': 'id,extra\none,true\ntwo,false\n', 'new/x.csv': CSV }, later);
    const end = await lab.crawl({ settings });
    expect([end.state, end.result.added, end.result.logged]).toEqual(['SUCCEEDED', 1, logged]);
    const { t, new: fresh } = await tables();
    expect(t?.columns).toEqual(columns);
    // What a policy leaves out of a table is still said of its files, and new tables are always made.
    expect(t?.partitions[0]?.columns).toEqual(['id string', 'extra boolean']);
    expect(fresh?.columns).toEqual(['id bigint', 'name string']);
    const before = await lab.changes();
    await lab.crawl({ settings });
    expect(await lab.changes()).toBe(before);
  });

  it('is told in the log of the run where it is not followed', async () => {
    const settings = { updateBehavior: 'log' };
    lab.put({ 't/x.csv': CSV });
    await lab.crawl({ settings });
    lab.put({ 't/x.csv': 'id,extra\none,true\ntwo,false\n' }, later);
    const { log } = await lab.crawl({ settings });
    expect(log).toContain(
      'warn: The source of lake.t has changed, and the table stays as it is: id bigint → string, +extra boolean, −name.',
    );
  });

  it('is followed when the setting is followed again', async () => {
    lab.put({ 't/x.csv': CSV });
    await lab.crawl({ settings: { updateBehavior: 'log' } });
    lab.put({ 't/x.csv': 'id,extra\n1,true\n' }, later);
    await lab.crawl({ settings: { updateBehavior: 'log' } });
    await lab.crawl();
    expect((await tables())['t']?.columns).toEqual(['id bigint', 'extra boolean']);
  });

  it('under merge adds new fields inside of others, and takes none away', async () => {
    const settings = { updateBehavior: 'merge' };
    lab.put({ 't/x.json': '{"who":{"name":"a","age":1},"all":[{"x":1}]}\n' });
    await lab.crawl({ settings });
    lab.put({ 't/x.json': '{"who":{"name":"a","mail":"m"},"all":[{"y":true}]}\n' }, later);
    await lab.crawl({ settings });
    expect((await tables())['t']?.columns).toEqual([
      'who struct<name:string,age:bigint,mail:string>',
      'all array<struct<x:bigint,y:boolean>>',
    ]);
  });

  it.each([
    ['classification', { 't/x.csv': undefined, 't/x.json': '{"id":1,"name":"a"}\n' }, 'classification "csv" → "json"'],
    ['delimiter', { 't/x.csv': 'id;name\n1;a\n2;b\n' }, 'delimiter "," → ";"'],
    ['compression', { 't/x.csv': undefined, 't/x.csv.gz': gzipSync(CSV) }, 'compression none → "gzip"'],
  ])('under merge marks a table as deprecated whose %s is another', async (_, files, told) => {
    const settings = { updateBehavior: 'merge' };
    lab.put({ 't/x.csv': CSV });
    await lab.crawl({ settings });
    const format = (await tables())['t']?.format;
    lab.put(files, later);
    const end = await lab.crawl({ settings });
    expect(end.log).toContain(`warn: The files of lake.t are of another kind now (${told}), so it is marked as deprecated.`);
    const { t } = await tables();
    expect(t?.format).toEqual(format);
    expect(t?.parameters).toEqual({ deprecated_by_crawler: expect.stringContaining(end.run) as string });
    // The partition says how its own files are read.
    expect(t?.partitions[0]?.format).not.toEqual(format);
    const before = await lab.changes();
    expect((await lab.crawl({ settings })).result.logged).toBe(1);
    expect(await lab.changes()).toBe(before);
  });

  it('always makes new partitions, under each policy, also where their keys need another type', async () => {
    for (const updateBehavior of ['merge', 'log']) {
      const settings = { updateBehavior };
      lab.put({ [`${updateBehavior}/n=1/x.csv`]: CSV });
      await lab.crawl({ settings });
      lab.put({ [`${updateBehavior}/n=two/x.csv`]: 'id,name,more\n1,a,2\n' }, later);
      await lab.crawl({ settings });
      const table = (await tables())[updateBehavior];
      expect(table?.keys).toEqual(['n string']);
      expect(table?.partitions.map(({ values }) => values)).toEqual(['n=1', 'n=two']);
      expect(table?.columns).toHaveLength(updateBehavior === 'log' ? 2 : 3);
    }
  });
});

describe('what is gone', () => {
  const lose = async (deleteBehavior: CrawlSettings['deleteBehavior']) => {
    const settings = { deleteBehavior };
    lab.put({ 'a/x.csv': CSV, 'b/dt=1/x.csv': CSV, 'b/dt=2/x.csv': 'id,name,old\n1,a,2\n' });
    await lab.crawl({ settings });
    lab.put({ a: undefined, 'b/dt=2': undefined });
    return lab.crawl({ settings });
  };

  it.each<[CrawlSettings['deleteBehavior'], string[], string[], string[], number]>([
    ['delete', ['b'], ['dt=1'], ['id bigint', 'name string'], 0],
    ['deprecate', ['a', 'b'], ['dt=1', 'dt=2'], ['id bigint', 'name string', 'old bigint'], 1],
    ['log', ['a', 'b'], ['dt=1', 'dt=2'], ['id bigint', 'name string', 'old bigint'], 2],
  ])('under %s leaves these', async (deleteBehavior, names, values, columns, logged) => {
    const { state, result } = await lose(deleteBehavior);
    expect([state, result.logged]).toEqual(['SUCCEEDED', logged]);
    const found = await tables();
    expect(Object.keys(found)).toEqual(names);
    expect(found['b']?.partitions.map((one) => one.values)).toEqual(values);
    expect(found['b']?.columns).toEqual(columns);
    const before = await lab.changes();
    await lab.crawl({ settings: { deleteBehavior } });
    expect(await lab.changes()).toBe(before);
  });

  it('under deprecate keeps its rows with a mark, and loses the mark when it is seen again', async () => {
    const end = await lose('deprecate');
    expect((await tables())['a']).toMatchObject({
      columns: ['id bigint', 'name string'],
      parameters: { deprecated_by_crawler: expect.stringMatching(`^2\\d{3}-.*Z run ${end.run}$`) as string },
      partitions: [{ rows: '2' }],
    });
    lab.put({ 'a/x.csv': CSV });
    await lab.crawl({ settings: { deleteBehavior: 'deprecate' } });
    expect((await tables())['a']?.parameters).toEqual({});
  });

  it('is neither marked nor told by a crawl that did not see everything', async () => {
    for (const deleteBehavior of ['deprecate', 'log']) {
      const settings = { deleteBehavior };
      lab.put({ 'a/x.csv': CSV, 'b/dt=1/x.csv': CSV, 'b/dt=2/x.csv': CSV, 'c/x.csv': CSV });
      await lab.crawl({ settings });
      lab.put({ a: undefined, 'b/dt=2': undefined });
      const before = await lab.catalog();
      for (const script of [{ incomplete: true }, { failAfter: 1 }]) {
        await lab.crawl({ settings, crawler: scripted(script) });
        const { a } = await tables();
        expect(a?.parameters).toEqual({});
      }
      const { result } = await lab.crawl({ settings, crawler: scripted({ unknown: 'b/dt=1' }) });
      expect(result.logged).toBe(deleteBehavior === 'log' ? 1 : 0);
      expect((await tables())['b']).toEqual(before.find(({ name }) => name === 'b'));
    }
  });

  it('needs no approval where nothing is taken away', async () => {
    const settings = { deleteBehavior: 'deprecate' };
    lab.put(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t${i}/x.csv`, CSV])));
    await lab.crawl({ settings });
    for (let i = 0; i < 15; i += 1) lab.put({ [`t${i}`]: undefined });
    const { state, result } = await lab.crawl({ settings });
    expect([state, result.parked, result.removed]).toEqual(['SUCCEEDED', undefined, 0]);
    const marked = (await lab.catalog()).filter(({ parameters }) => 'deprecated_by_crawler' in (parameters as object));
    expect(marked).toHaveLength(15);
  });
});

describe('partitions that inherit', () => {
  const settings = { partitionBehavior: 'inherit', updateBehavior: 'log' };

  it('have no format and no columns of their own, old ones neither', async () => {
    lab.put({ 't/dt=1/x.csv': CSV, 't/dt=2/x.csv': 'id;name;more\n1;a;b\n2;b;c\n', 't/dt=3/x.csv': CSV });
    await lab.crawl();
    expect((await tables())['t']?.partitions.map(({ format }) => format === null)).not.toEqual([true, true, true]);
    const { result } = await lab.crawl({ settings });
    expect(result.partitionsChanged).toBe(3);
    const alike = (await tables())['t']?.partitions.map(({ columns, format }) => ({ columns, format }));
    expect(alike).toEqual(Array.from({ length: 3 }, () => ({ columns: [], format: undefined })));
    expect((await lab.crawl({ settings })).result.partitionsChanged).toBe(0);
  });

  it('all follow when somebody gives the table another format', async () => {
    lab.put({ 't/dt=1/x.csv': CSV, 't/dt=2/x.csv': CSV });
    await lab.crawl({ settings });
    const table = await findTable(lab.t.db, ADMIN, { database: 'lake', name: 't' });
    if (table === undefined) throw new Error('no table');
    const format = { name: 'csv', options: { delimiter: '|', header: true } };
    const { database, name, type, location = '', schema, parameters } = table;
    await write(lab.t.ground, { principal: ADMIN, owner: 'api' }, (w) =>
      recordTable(w, { database, name, type, location, schema, parameters, format }),
    );
    lab.put({ 't/dt=3/x.csv': CSV });
    await lab.crawl({ settings });
    const { t } = await tables();
    expect(t?.format).toEqual(format);
    expect(t?.partitions.map((one) => one.format)).toEqual([undefined, undefined, undefined]);
  });
});

describe('names and parameters', () => {
  it('puts a prefix in front of the names of new tables', async () => {
    lab.put({ 'Sales Data/x.csv': CSV, [`${'long'.repeat(40)}/x.csv`]: CSV });
    await lab.crawl({ settings: { prefix: 'Raw-' } });
    const names = Object.keys(await tables());
    expect(names).toContain('raw_sales_data');
    expect(names.map((name) => name.length <= 128)).toEqual([true, true]);
    // A table keeps the name under which it is known.
    lab.put({ 'more/x.csv': CSV });
    await lab.crawl({ settings: { prefix: 'x_' } });
    expect(Object.keys(await tables())).toEqual([...names.filter((name) => name !== 'x_more'), 'x_more'].toSorted());
  });

  it('says on a table what is left out, if anything is', async () => {
    lab.put({ 't/x.csv': CSV, 't/x.bak': CSV });
    const url = `file://${lab.root}`;
    await lab.crawl({ options: { url, exclude: ['**.bak'] } });
    expect((await tables())['t']?.parameters).toEqual({ exclusions: '["**.bak"]' });
    await lab.crawl({ options: { url } });
    expect((await tables())['t']?.parameters).toEqual({});
  });
});

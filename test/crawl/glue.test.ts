import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLab, type Lab } from './lab.ts';
import { scripted } from './scripted.ts';
import { pathToFileURL } from 'node:url';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});
const settings = { grouping: 'glue' };
const json = (...names: string[]): string => `${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, i])))}\n`;
const at = (folder: string): Record<string, unknown> => ({ url: `${pathToFileURL(lab.root).href}/${folder}` });
const shown = async (): Promise<Record<string, string[]>> =>
  Object.fromEntries(
    (await lab.catalog()).map(({ name, keys, columns, partitions }) => [
      name,
      [
        [...columns, ...keys].map((one) => one.replace(' bigint', '').replace(' string', ' key')).join(', '),
        ...partitions.map(({ values }) => values),
      ],
    ]),
  );

describe('grouping as in Glue', () => {
  it('R12: {A,B} and {C,D} are two tables, and one by CombineCompatibleSchemas', async () => {
    lab.put({ 'table1/year=2017/data1.json': json('A', 'B'), 'table1/year=2018/data2.json': json('C', 'D') });
    await lab.crawl({ settings, options: at('table1') });
    expect(await shown()).toEqual({ year_2017: ['A, B', ''], year_2018: ['C, D', ''] });
    await lab.crawl({
      settings: { ...settings, combineCompatibleSchemas: true },
      options: at('table1'),
      name: 'other',
      database: 'two',
    });
    expect((await lab.catalog()).find(({ name }) => name === 'table1')).toMatchObject({
      columns: ['A bigint', 'B bigint', 'C bigint', 'D bigint'],
      keys: ['year string'],
      partitions: [{ values: 'year=2017' }, { values: 'year=2018' }],
    });
  });

  it('R15: year, month and day are three keys of one table', async () => {
    for (const day of [
      'year=2019/month=Jan/day=1',
      'year=2019/month=Jan/day=2',
      'year=2019/month=Feb/day=1',
      'year=2019/month=Feb/day=2',
    ])
      lab.put({ [`Sales/${day}/x.json`]: json('a', 'b') });
    await lab.crawl({ settings, options: at('Sales') });
    const [table, ...others] = await lab.catalog();
    expect(others).toEqual([]);
    expect(table).toMatchObject({ name: 'sales', keys: ['year string', 'month string', 'day string'] });
    expect(table?.partitions).toHaveLength(4);
  });

  it('writes and reads nothing when nothing has changed', async () => {
    for (let i = 0; i < 9; i += 1) lab.put({ [`t/${i}/x.json`]: json('a', 'b', ...(i === 3 ? ['c'] : [])) });
    lab.put({ 'u/x.json': json('q'), 'v/x.json': json('q', 'r'), 'v/y.csv': 'a,b\n1,2\n3,4\n' });
    const first = await lab.crawl({ settings });
    expect(first.state).toBe('SUCCEEDED');
    const before = await lab.changes();
    const { result } = await lab.crawl({ settings });
    expect([result.bill.gets, await lab.changes()]).toEqual([0, before]);
    expect(result.tables).toBe(first.result.tables);
  });
  it('groups nothing anew because of what could not be seen', async () => {
    lab.put({ 'a/x.json': json('a', 'b'), 'b/x.json': json('c', 'd'), 't/0/x.json': json('z') });
    for (let i = 0; i < 10; i += 1) lab.put({ [`t/${i}/x.json`]: json(...(i < 2 ? ['m', 'n'] : ['z'])) });
    await lab.crawl({ settings });
    const before = await lab.catalog();
    expect(before.map(({ name, partitions }) => `${name} ${partitions.length}`)).toEqual(['a 1', 'b 1', 't 10']);
    for (const script of [
      { unknown: 'a' },
      { unknown: 'b' },
      { unknown: 't' },
      { unknown: 't/5' },
      { failAfter: 2 },
      { failAfter: 5 },
      { incomplete: true },
    ]) {
      const { state, result } = await lab.crawl({ settings, crawler: scripted(script) });
      expect([state, result.added, result.removed]).toEqual(['INCOMPLETE', 0, 0]);
      expect(await lab.catalog()).toEqual(before);
    }
  });
});

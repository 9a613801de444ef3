import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileCrawler } from '../../crawlers/file.ts';
import type { Finding, ObjectFinding } from '../../src/crawl/crawler.ts';
import { onReached, type Label } from '../../src/model/reached.ts';
import { openLab, type CatalogTable, type Lab } from './lab.ts';
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

/** Folders that are alike and that are not, at several depths, with strays. */
function lake(): Record<string, string> {
  const files: Record<string, string> = {
    'z.csv': 'a,b\n1,2\n3,4\n',
    'flat/one.json': json('a'),
    'flat/two.csv': 'a,b\n1,2\n3,4\n',
  };
  for (let i = 0; i < 4; i += 1) {
    for (let j = 0; j < 3; j += 1) files[`year=201${i}/month=${j}/x.json`] = json('a', 'b', 'c');
    files[`other/${i}/x.json`] = json(`only${i}`);
    files[`same/${i}/x.json`] = json('p', 'q', ...(i === 3 ? ['r'] : []));
    files[`mixed/k=${i}/x.json`] = json('m');
  }
  files['mixed/x.json'] = json('m', 'n');
  files['year=2011/month=1/y.json'] = json('a', 'b', 'c');
  return files;
}

/** The findings of the file crawler in pages of so many objects, with a checkpoint after each. */
function paged(size: number): typeof fileCrawler {
  return {
    ...fileCrawler,
    async *crawl(options, context): AsyncGenerator<Finding> {
      let page: ObjectFinding[] = [];
      for await (const finding of fileCrawler.crawl(options, context)) {
        const objects = finding.kind === 'object' ? [finding] : finding.kind === 'objects' ? finding.objects : [];
        for (const object of objects) {
          page.push(object);
          if (page.length < size) continue;
          yield { kind: 'objects', objects: page };
          yield { kind: 'checkpoint', cursor: object.path, complete: false };
          page = [];
        }
        if (finding.kind === 'checkpoint' && finding.complete) {
          if (page.length > 0) yield { kind: 'objects', objects: page };
          yield finding;
        }
      }
    },
  };
}

const relative = (tables: readonly CatalogTable[]): unknown =>
  JSON.parse(JSON.stringify(tables).replaceAll(/file:\/\/\/[^"]*?tenon-lake-[^/"]*\//g, ''));

describe.each(['tenon', 'glue'])('grouping by %s', (grouping) => {
  const url = (): { url: string } => ({ url: pathToFileURL(lab.root).href });
  const crashed: readonly (readonly [Label, number])[] = [
    ['crawl.table-closed', 3],
    ['crawl.table-closed', 14],
    ['crawl.before-save', 4],
    ['crawl.after-save', 7],
    ['crawl.after-save', 12],
    ['crawl.before-end', 1],
  ];

  it('does not depend on how the listing comes, nor on crashes in between', async () => {
    lab.put(lake());
    expect((await lab.crawl({ settings: { grouping }, crawler: paged(1_000) })).state).toBe('SUCCEEDED');
    const expected = relative(await lab.catalog());
    for (const [i, size] of [1, 2, 3, 5, 8, 1].entries()) {
      const other = await openLab();
      const [label, n] = crashed[i] ?? ['crawl.before-end', 1];
      const options = {
        settings: { grouping },
        crawler: paged(size),
        options: url(),
        run: crypto.randomUUID(),
        limits: { transactionRows: 6 },
      };
      let count = 0;
      const off = onReached((reached) => {
        if (reached === label) count += 1;
        if (reached === label && count % n === 0) throw new Error(`crash at ${label}`);
      });
      try {
        for (let attempt = 0; attempt < 3; attempt += 1)
          await other.crawl(options).catch((error: unknown) => expect(String(error)).toContain('crash'));
        off();
        expect((await other.crawl(options)).state).toBe('SUCCEEDED');
        expect(relative(await other.catalog())).toEqual(expected);
      } finally {
        off();
        await other.close();
      }
    }
  }, 60_000);
});

describe('what lies in the lake, grouped as in Glue', () => {
  it('is told apart by its content where names say nothing', async () => {
    const csv = 'id,name\n1,a\n2,b\n';
    lab.put({
      'events/part-0001': json('a', 'b'),
      'events2/part-0001': csv,
      '_temporary/0/x.json': json('a'),
      'events/_SUCCESS': '',
      'events/.hidden/x.json': json('zz'),
      'empty/x.json': '',
      'notes/README.md': '# Words',
    });
    const { state } = await lab.crawl({ settings });
    expect(state).toBe('SUCCEEDED');
    expect(await shown()).toEqual({ events: ['a, b', ''], events2: ['id, name key', ''] });
  });

  it('gives the same name twice only with a hash behind it, and a prefix to all', async () => {
    lab.put({
      'mixed/k=1/x.json': json('a'),
      'mixed/k=2/x.json': json('a'),
      'mixed/x.json': json('b'),
      'a b/x.json': json('q'),
      'a-b/x.json': json('r'),
    });
    await lab.crawl({ settings: { ...settings, prefix: 'x_' } });
    const names = (await lab.catalog()).map(({ name }) => name);
    expect(names.map((name) => name.replace(/_[0-9a-f]{8}$/, '_HASH')).toSorted()).toEqual([
      'x_a_b',
      'x_a_b_HASH',
      'x_mixed',
      'x_mixed_HASH',
    ]);
  });

  it('R13: begins tables at the level that is said, the first folder of a path being level 1', async () => {
    for (const hour of [1, 2]) for (const day of [1, 2]) lab.put({ [`2024/01/${day}/${hour}/x.json`]: json(`c${day}`) });
    const root = lab.root.split('/').filter((name) => name !== '').length;
    await lab.crawl({ settings: { ...settings, tableLevel: root + 2 } });
    expect(await shown()).toEqual({
      '01': [
        'c1, c2, partition_0 key, partition_1 key',
        ...['1/1', '1/2', '2/1', '2/2'].map((at) => `partition_0=${at.replace('/', '/partition_1=')}`),
      ],
    });
  });

  it('moves partitions between tables without reading them when the grouping changes', async () => {
    for (let i = 0; i < 4; i += 1) lab.put({ [`t/${i}/x.json`]: json('a', 'b') });
    await lab.crawl({ settings });
    expect((await lab.catalog()).map(({ keys, partitions }) => [keys.length, partitions.length])).toEqual([[2, 4]]);
    lab.put({ 'u/x.json': json('q') });
    const { state, result } = await lab.crawl({ settings });
    expect([state, result.bill.gets, result.added, result.removed]).toEqual(['SUCCEEDED', 1, 2, 1]);
    expect(await shown()).toEqual({ t: ['a, b, partition_0 key', ...[0, 1, 2, 3].map((i) => `partition_0=${i}`)], u: ['q', ''] });
    const files = (await lab.catalog()).flatMap(({ partitions }) => partitions.flatMap((one) => one.files));
    expect(files).toHaveLength(5);
  });
});

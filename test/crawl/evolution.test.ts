import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLab, type CatalogTable, type Lab } from './lab.ts';
import { scripted } from './scripted.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

async function table(): Promise<CatalogTable> {
  const [first, ...others] = await lab.catalog();
  if (first === undefined || others.length > 0) throw new Error('not one table');
  return first;
}

describe('the columns of a table', () => {
  it('are the union of its partitions’, and each partition keeps its own', async () => {
    lab.put({
      't/dt=1/x.csv': 'id,name\n1,a\n',
      't/dt=2/x.csv': 'id,name,price\n1,a,2\n',
      't/dt=3/x.csv': 'id,price\n1,2.5\n',
    });
    await lab.crawl();
    const { columns, partitions } = await table();
    expect(columns).toEqual(['id bigint', 'name string', 'price double']);
    expect(partitions.map((one) => one.columns)).toEqual([
      ['id bigint', 'name string'],
      ['id bigint', 'name string', 'price bigint'],
      ['id bigint', 'price double'],
    ]);
  });

  it('become strings where partitions cannot agree', async () => {
    lab.put({ 't/dt=1/x.csv': 'id,v\n1,5\n', 't/dt=2/x.csv': 'id,v\n1,five\n', 't/dt=3/x.csv': 'id,v\n1,2024-01-01\n' });
    await lab.crawl();
    expect((await table()).columns).toEqual(['id bigint', 'v string']);
  });

  it('grow as partitions come, in their order, and nothing is read twice', async () => {
    lab.put({ 't/dt=5/x.json': '{"b":1}\n' });
    await lab.crawl();
    lab.put({ 't/dt=1/x.json': '{"a":1,"b":2.5}\n' });
    const { result } = await lab.crawl();
    expect(result.bill.gets).toBe(1);
    expect((await table()).columns).toEqual(['b double', 'a bigint']);
  });

  it('go when the files that had them are gone, and only when everything was seen', async () => {
    lab.put({ 't/dt=1/x.csv': 'id,old\n1,2\n', 't/dt=2/x.csv': 'id\n1\n' });
    await lab.crawl();
    lab.put({ 't/dt=1/x.csv': 'id,new\n1,2\n' }, new Date('2026-11-02'));
    await lab.crawl({ crawler: scripted({ incomplete: true }) });
    expect((await table()).columns).toEqual(['id bigint', 'old bigint', 'new bigint']);
    await lab.crawl();
    expect((await table()).columns).toEqual(['id bigint', 'new bigint']);
  });

  it('make one version of one change, even if it takes and gives', async () => {
    lab.put({ 't/dt=1/x.csv': 'id,old\n1,2\n' });
    await lab.crawl();
    const before = await lab.changes();
    lab.put({ 't/dt=1/x.csv': 'id,new\n1,2\n' }, new Date('2026-11-02'));
    await lab.crawl();
    expect(await lab.changes()).toBe(before + 1);
    expect((await table()).columns).toEqual(['id bigint', 'new bigint']);
  });

  it('leave out the keys that a file repeats, which its partition keeps', async () => {
    lab.put({ 't/dt=1/x.csv': 'id,DT\n1,1\n' });
    await lab.crawl();
    const { columns, keys, partitions } = await table();
    expect([columns, keys, partitions[0]?.columns]).toEqual([['id bigint'], ['dt int'], ['id bigint', 'DT bigint']]);
  });
});

describe('a column without values', () => {
  it('takes the type that others have, whichever came first', async () => {
    lab.put({
      't/dt=1/x.json': '{"id":1,"n":null,"l":[],"s":{"a":null,"b":1}}\n',
      't/dt=2/x.csv': 'id,n\n1,\n2,\n',
    });
    await lab.crawl();
    expect((await table()).columns).toEqual(['id bigint', 'n string', 'l array<string>', 's struct<b:bigint>']);
    lab.put({ 't/dt=3/x.json': '{"id":1,"n":1.5,"l":[1],"s":{"a":true}}\n' });
    await lab.crawl();
    expect((await table()).columns).toEqual(['id bigint', 'n double', 'l array<bigint>', 's struct<b:bigint,a:boolean>']);
    expect((await lab.crawl()).result).toMatchObject({ changed: 0, bill: { gets: 0 } });
  });
});

describe('the format of a table', () => {
  it('is that of most partitions; others keep their own', async () => {
    lab.put({ 't/dt=1/x.csv': 'id,n\n1,2\n', 't/dt=2/x.csv': 'id,n\n1,2\n', 't/dt=3/x.json': '{"id":1,"n":2}\n' });
    await lab.crawl();
    const { format, partitions } = await table();
    expect(format).toMatchObject({ name: 'csv' });
    expect(partitions.map((one) => (one.format as { name: string } | undefined)?.name)).toEqual([undefined, undefined, 'json']);
  });

  it('stays right for every partition when the majority changes', async () => {
    lab.put({ 't/dt=1/x.csv': 'id,n\n1,2\n' });
    await lab.crawl();
    lab.put({ 't/dt=2/x.json': '{"id":1,"n":2}\n', 't/dt=3/x.json': '{"id":1,"n":2}\n' });
    await lab.crawl();
    const { format, partitions } = await table();
    expect(format).toMatchObject({ name: 'json' });
    expect(partitions.map((one) => (one.format as { name: string } | undefined)?.name)).toEqual(['csv', undefined, undefined]);
    expect((await lab.crawl()).result).toMatchObject({ changed: 0, bill: { gets: 0 } });
  });

  it('is shared by files of which one alone would not tell it', async () => {
    lab.put({
      't/dt=1/a.csv': 'id,town\n1,rome\nNA,oslo\n',
      't/dt=1/b.csv': 'id,town\n',
      't/dt=1/c.csv': Buffer.from('id,town\n5,Zürich\n', 'latin1'),
      't/dt=1/d.csv': 'id,town\n,\n',
    });
    const { state } = await lab.crawl();
    expect(state).toBe('SUCCEEDED');
    const { columns, format } = await table();
    expect(columns).toEqual(['id bigint', 'town string']);
    expect(format).toMatchObject({ options: { header: true, encoding: 'latin-1', null: 'NA' } });
  });

  it('makes a file unknown that cannot be read like those beside it, and leaves the partition as it was', async () => {
    lab.put({ 't/dt=1/a.csv': 'id,n\n1,2\n', 't/dt=1/b.csv': 'id,n\n1,2\n' });
    await lab.crawl();
    const before = await lab.catalog();
    lab.put({ 't/dt=1/c.csv': 'id;n\n1;2\n2;3\n' });
    const { state, result } = await lab.crawl();
    expect(state).toBe('INCOMPLETE');
    expect(result.unknowns).toMatchObject([{ path: 't/dt=1/c.csv', code: 'DATA_UNREADABLE' }]);
    expect(await lab.catalog()).toEqual(before);
  });
});

describe('partition keys', () => {
  it('are typed by all of their values, and typed anew when one does not fit', async () => {
    lab.put({ 't/year=2024/n=1/x.csv': 'a,b\n1,2\n', 't/year=2024/n=2/x.csv': 'a,b\n1,2\n' });
    await lab.crawl();
    expect((await table()).keys).toEqual(['year int', 'n int']);
    lab.put({ 't/year=2024/n=x/x.csv': 'a,b\n1,2\n', 't/year=2025/n=__HIVE_DEFAULT_PARTITION__/x.csv': 'a,b\n1,2\n' });
    await lab.crawl();
    const { keys, partitions } = await table();
    expect(keys).toEqual(['year int', 'n string']);
    expect(partitions.map(({ values }) => values)).toEqual([
      'year=2024/n=1',
      'year=2024/n=2',
      'year=2024/n=x',
      'year=2025/n=__HIVE_DEFAULT_PARTITION__',
    ]);
  });

  it('come from dates too', async () => {
    lab.put({
      'a/2024/01/15/x.csv': 'a,b\n1,2\n',
      'b/2024-01-15/x.csv': 'a,b\n1,2\n',
      'c/20240115/x.csv': 'a,b\n1,2\n',
      'd/13/x.csv': 'a,b\n1,2\n',
    });
    await lab.crawl();
    expect((await lab.catalog()).map(({ name, keys }) => [name, keys])).toEqual([
      ['13', []],
      ['a', ['year int', 'month string', 'day string']],
      ['b', ['date date']],
      ['c', ['date int']],
    ]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLab, type Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const ORDERS = 'id,email,amount\n1,a@example.org,10.5\n2,b@example.org,11\n';

describe('a crawl', () => {
  it('records tables with their columns, partitions and files', async () => {
    lab.put({
      'orders/dt=2026-01-01/part-0.csv': ORDERS,
      'orders/dt=2026-01-02/part-0.csv': ORDERS,
      'orders/dt=2026-01-02/part-1.csv': ORDERS,
      'people/all.json': '{"id":1,"name":"ann"}\n',
    });
    const { state, result } = await lab.crawl();
    expect(state).toBe('SUCCEEDED');
    expect(result).toMatchObject({
      tables: 2,
      partitions: 2,
      objects: 4,
      added: 2,
      changed: 0,
      removed: 0,
      unknown: 0,
      partitionsAdded: 3,
    });
    const [orders, people] = await lab.catalog();
    expect(orders).toMatchObject({
      name: 'orders',
      columns: ['id bigint', 'email string', 'amount double'],
      keys: ['dt date'],
      location: 'orders/',
    });
    expect(orders?.partitions.map(({ values, rows, files }) => [values, rows, files.length])).toEqual([
      ['dt=2026-01-01', '2', 1],
      ['dt=2026-01-02', '4', 2],
    ]);
    expect(people).toMatchObject({ name: 'people', columns: ['id bigint', 'name string'], keys: [], location: 'people/' });
    expect(people?.partitions).toHaveLength(1);
  });

  it('reads nothing and writes nothing when nothing has changed', async () => {
    lab.put({
      'orders/dt=2026-01-01/part-0.csv': ORDERS,
      'people/all.json': '{"id":1}\n',
      'people/README': 'not a table, \nat all',
      'a.csv': ORDERS,
    });
    const first = await lab.crawl();
    const [before, changes] = [await lab.catalog(), await lab.changes()];
    const again = await lab.crawl();
    expect(again.state).toBe('SUCCEEDED');
    expect(again.result).toMatchObject({ added: 0, changed: 0, removed: 0, tables: first.result.tables });
    // That README is no table is known as well.
    expect(again.result.bill.gets).toBe(0);
    expect(await lab.changes()).toBe(changes);
    expect(await lab.catalog()).toEqual(before);
  });

  it('reads only what is new', async () => {
    lab.put({ 'orders/dt=1/a.csv': ORDERS, 'orders/dt=2/a.csv': ORDERS });
    await lab.crawl();
    lab.put({ 'orders/dt=3/a.csv': ORDERS });
    const { result } = await lab.crawl();
    expect(result).toMatchObject({ added: 0, changed: 1, partitionsAdded: 1, partitionsChanged: 0 });
    expect(result.bill.gets).toBe(1);
  });

  it('names the table of the scope itself after its location', async () => {
    lab.put({ 'orders/dt=1/a.csv': ORDERS });
    const { result } = await lab.crawl({ options: { url: `file://${lab.root}/orders` } });
    expect(result.tables).toBe(1);
    expect(await lab.catalog()).toMatchObject([{ name: 'orders', keys: ['dt int'], location: 'orders/' }]);
  });

  it('keeps neighbours apart that look alike', async () => {
    lab.put({ 'table1/a.csv': ORDERS, 'table2/a.csv': ORDERS });
    await lab.crawl();
    expect((await lab.catalog()).map(({ name }) => name)).toEqual(['table1', 'table2']);
  });

  it('makes one table of files that go together, and several of files that do not', async () => {
    lab.put({
      'together/a.csv': ORDERS,
      'together/b.csv': 'id,email,amount,extra\n1,x,2,3\n',
      'apart/a.csv': ORDERS,
      'apart/b-1.json': '{"x":1}\n',
      'apart/b-2.json': '{"x":2}\n',
    });
    await lab.crawl();
    const tables = await lab.catalog();
    expect(tables.map(({ name }) => name)).toEqual(['a', 'b', 'together']);
    expect(tables.map(({ columns }) => columns.length)).toEqual([3, 1, 4]);
    expect(tables[1]?.partitions[0]?.files).toEqual(['apart/b-1.json', 'apart/b-2.json']);
    expect((await lab.crawl()).result).toMatchObject({ added: 0, changed: 0, removed: 0, bill: { gets: 0 } });
  });

  it('keeps a table whole when a stray file lands in its folder', async () => {
    lab.put({ 'orders/a.csv': ORDERS, 'orders/b.csv': ORDERS });
    await lab.crawl();
    lab.put({ 'orders/errors.json': '{"code":1}\n' });
    const { result, state } = await lab.crawl();
    expect([state, result.added, result.removed, result.changed]).toEqual(['SUCCEEDED', 1, 0, 0]);
    expect((await lab.catalog()).map(({ name }) => name)).toEqual(['errors', 'orders']);
    expect((await lab.crawl()).result).toMatchObject({ added: 0, changed: 0, removed: 0 });
  });

  it('keeps the table of a folder in which everything is of another kind now', async () => {
    lab.put({ 'orders/a.csv': ORDERS });
    await lab.crawl();
    lab.put({ 'orders/a.csv': undefined, 'orders/b.json': '{"x":1}\n' });
    const { state, result } = await lab.crawl();
    expect([state, result.added, result.removed, result.changed]).toEqual(['SUCCEEDED', 0, 0, 1]);
    expect(await lab.catalog()).toMatchObject([{ name: 'orders', columns: ['x bigint'], format: { name: 'json' } }]);
    expect((await lab.crawl()).result).toMatchObject({ changed: 0, bill: { gets: 0 } });
  });

  it('takes a file up that was beside a table of another kind, when the table’s own files are gone', async () => {
    lab.put({ 'orders/a.csv': ORDERS, 'orders/b.csv': ORDERS });
    await lab.crawl();
    lab.put({ 'orders/errors.json': '{"code":1}\n' });
    await lab.crawl();
    lab.put({ 'orders/a.csv': undefined, 'orders/b.csv': undefined });
    const { state, result } = await lab.crawl();
    expect([state, result.removed]).toEqual(['SUCCEEDED', 1]);
    expect((await lab.catalog()).map(({ name }) => name)).toEqual(['errors']);
  });

  it('makes tables of their own of files beside partitions, and of partitions with other keys', async () => {
    lab.put({ 'sales/dt=1/a.csv': ORDERS, 'sales/region=eu/a.csv': ORDERS, 'sales/notes.csv': ORDERS });
    await lab.crawl();
    expect((await lab.catalog()).map(({ name, keys }) => [name, keys])).toEqual([
      ['notes', []],
      ['sales', ['dt int']],
      ['sales_region', ['region string']],
    ]);
    expect((await lab.crawl()).result).toMatchObject({ added: 0, changed: 0, removed: 0 });
  });

  it('gives the same name never twice', async () => {
    lab.put({ 'a/x.csv': ORDERS, 'b/a/x.csv': ORDERS, 'c/A/x.csv': ORDERS });
    await lab.crawl();
    const names = (await lab.catalog()).map(({ name }) => name);
    expect(names[0]).toBe('a');
    expect(names.slice(1)).toEqual([expect.stringMatching(/^a_[0-9a-f]{8}$/), expect.stringMatching(/^a_[0-9a-f]{8}$/)]);
    expect((await lab.crawl()).result).toMatchObject({ added: 0, changed: 0, removed: 0 });
  });

  it('says of an empty file that it is one, and goes on', async () => {
    lab.put({ 'a/empty.csv': '', 'a/full.csv': ORDERS });
    const { state, result } = await lab.crawl();
    expect(state).toBe('SUCCEEDED');
    expect(result.skipped).toEqual([{ path: 'a/empty.csv', reason: 'empty' }]);
  });

  it('ends with nothing for an empty folder', async () => {
    const { state, result } = await lab.crawl();
    expect([state, result.tables, result.objects]).toEqual(['SUCCEEDED', 0, 0]);
  });

  it('knows two thousand partitions', async () => {
    const files = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`t/n=${i}/x.csv`, 'a,b\n1,2\n']));
    lab.put(files);
    const { result } = await lab.crawl();
    expect(result).toMatchObject({ tables: 1, partitions: 2_000, partitionsAdded: 2_000, added: 1 });
    expect((await lab.crawl()).result).toMatchObject({ changed: 0, bill: { gets: 0 } });
  }, 60_000);
});

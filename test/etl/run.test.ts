import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { listLineage } from '../../src/catalog/lineage.ts';
import { dropTable, findTable, recordTable } from '../../src/catalog/tables.ts';
import { write } from '../../src/changes/write.ts';
import { resetBookmark } from '../../src/etl/bookmarks.ts';
import { acceptJob, defineJob } from '../../src/etl/jobs.ts';
import { formatType } from '../../src/model/types.ts';
import { JSON_LINES } from '../contract/engine.ts';
import { columnList, jobFile, openLab, ORDERS, type Lab } from './lab.ts';
import { until } from '../until.ts';

describe('a run of a job', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await openLab();
  });
  afterEach(() => lab.close());

  async function orders(): Promise<void> {
    lab.put('orders/dt=2026-01-01/a.csv', 'id,email,amount\n1,a@x,1.50\n2,b@x,2\n');
    lab.put('orders/dt=2026-01-02/a.csv', 'id,email,amount\n3,c@x,3\n');
    await lab.crawl();
  }

  it('writes partitioned parquet and registers it, as the example does', async () => {
    await orders();
    const example: unknown = JSON.parse(readFileSync('docs/examples/orders-to-parquet.json', 'utf8'));
    await defineJob(lab.deps, SYSTEM, example);
    const run = await lab.run('orders-to-parquet');
    expect(run).toMatchObject({
      state: 'SUCCEEDED',
      error: null,
      result: {
        inputs: [{ name: 'orders', table: 'lake.orders', version: 1, partitions: 2, files: 2 }],
        outputs: [{ table: 'lake.orders_parquet', rows: 3, files: 2, partitions: 2 }],
        bookmark: { enabled: true, newFiles: 2 },
      },
    });
    const table = await findTable(lab.t.db, SYSTEM, { database: 'lake', name: 'orders_parquet' });
    expect(table).toMatchObject({ owner: 'job:orders-to-parquet', version: 1, format: { name: 'parquet' } });
    expect(table?.schema.columns.map(({ name, type }) => [name, formatType(type)])).toEqual([
      ['id', 'bigint'],
      ['email', 'string'],
      ['amount', 'decimal(10,2)'],
    ]);
    expect(table?.schema.partitionKeys.map(({ name, type }) => [name, formatType(type)])).toEqual([['dt', 'date']]);
    expect(await lab.rows('lake.orders_parquet')).toEqual([
      ['1', 'a@x', '1.50', '2026-01-01'],
      ['2', 'b@x', '2.00', '2026-01-01'],
      ['3', 'c@x', '3.00', '2026-01-02'],
    ]);
    expect(
      lab.outputs().every((file) => /\/_t\/lake\.orders_parquet\/[0-9a-f-]+\/1\/dt=[^/]+\/part-[0-9a-f-]+\.parquet$/.test(file)),
    ).toBe(true);
    const lineage = await listLineage(lab.t.db, SYSTEM, table?.id ?? '', 'upstream', 1);
    expect(JSON.stringify(lineage)).toContain('orders');
  });

  it('writes nothing at all when there is nothing new', async () => {
    await orders();
    await lab.define();
    await lab.run();
    const [log, outputs] = [await lab.log(), lab.outputs()];
    const run = await lab.run();
    expect(run).toMatchObject({
      state: 'SUCCEEDED',
      result: { outputs: [{ rows: 0, files: 0, bytes: 0 }], bookmark: { newFiles: 0 } },
    });
    expect(await lab.log()).toEqual(log);
    expect(lab.outputs()).toEqual(outputs);
  });

  it('reads each file exactly once: late, overwritten, with an old time, in an old partition', async () => {
    await orders();
    await lab.define();
    await lab.run();
    const late = lab.put('orders/dt=2026-01-01/late.csv', 'id,email,amount\n4,d@x,4\n');
    utimesSync(late, new Date('2020-01-01'), new Date('2020-01-01'));
    await lab.crawl();
    expect(await lab.run()).toMatchObject({ result: { bookmark: { newFiles: 1 }, outputs: [{ rows: 1 }] } });
    const over = lab.put('orders/dt=2026-01-02/a.csv', 'id,email,amount\n5,e@x,5\n');
    await lab.crawl();
    expect(await lab.run()).toMatchObject({ result: { bookmark: { newFiles: 1 }, outputs: [{ rows: 1 }] } });
    const { mtime, size } = statSync(over);
    lab.put('orders/dt=2026-01-02/a.csv', 'id,email,amount\n6,f@x,6\n');
    utimesSync(over, mtime, mtime);
    expect(statSync(over).size).toBe(size);
    rmSync(over);
    lab.put('orders/dt=2026-01-02/a.csv', 'id,email,amount\n6,f@x,6\n');
    utimesSync(over, mtime, mtime);
    lab.put('orders/dt=2026-01-03/a.csv', 'id,email,amount\n7,g@x,7\n');
    await lab.crawl();
    expect(await lab.run()).toMatchObject({ result: { bookmark: { newFiles: 2 } } });
    expect((await lab.rows('lake.orders_parquet')).map(([id]) => id)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect(await lab.run()).toMatchObject({ result: { bookmark: { newFiles: 0 } } });
  });

  it('misses and repeats nothing when the condition on partitions changes between runs', async () => {
    await orders();
    await lab.define({ inputs: { orders: { table: 'lake.orders', where: 'dt = ${DAY}' } } });
    expect(await lab.run('copy', { DAY: '2026-01-02' })).toMatchObject({
      state: 'SUCCEEDED',
      result: { outputs: [{ rows: 1 }] },
    });
    expect(await lab.run('copy', { DAY: '2026-01-01' })).toMatchObject({ result: { outputs: [{ rows: 2 }] } });
    expect(await lab.run('copy', { DAY: '2026-01-02' })).toMatchObject({ result: { outputs: [{ rows: 0 }] } });
    expect((await lab.rows('lake.orders_parquet')).map(([id]) => id)).toEqual(['1', '2', '3']);
  });

  it('reads everything of a table that was dropped and made anew, and after a reset', async () => {
    await orders();
    await lab.define();
    await lab.run();
    await write(lab.t.ground, { principal: SYSTEM, owner: 'api' }, (w) => dropTable(w, { database: 'lake', name: 'orders' }));
    await lab.crawl();
    expect(await lab.run()).toMatchObject({ result: { outputs: [{ rows: 3 }] } });
    expect(await resetBookmark(lab.t.db, SYSTEM, 'copy')).toEqual({ removed: 2 });
    expect(await lab.run()).toMatchObject({ result: { outputs: [{ rows: 3 }] } });
    expect(await lab.run()).toMatchObject({ result: { outputs: [{ rows: 0 }] } });
  });

  it('advances the bookmark past files from which nothing came', async () => {
    await orders();
    await lab.define({ steps: [{ name: 'result', sql: 'select * from orders where id > 100' }] });
    expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED', result: { outputs: [{ rows: 0 }], bookmark: { newFiles: 2 } } });
    expect(await lab.run()).toMatchObject({ result: { bookmark: { newFiles: 0 } } });
    expect(await findTable(lab.t.db, SYSTEM, { database: 'lake', name: 'orders_parquet' })).toBeDefined();
    expect(lab.outputs()).toEqual([]);
  });

  it('replaces the partitions that it writes, and only those', async () => {
    await orders();
    const output = { table: 'lake.totals', location: '${OUT}/totals', partitionBy: ['dt'], mode: 'overwrite-partitions' };
    await lab.define({
      bookmark: false,
      inputs: { orders: { table: 'lake.orders', where: 'dt >= ${FROM}' } },
      steps: [{ name: 'r', sql: 'select sum(id) as ids, dt from orders group by dt' }],
      output,
    });
    await lab.run('copy', { FROM: '2026-01-01' });
    lab.put('orders/dt=2026-01-02/b.csv', 'id,email,amount\n10,c@x,3\n');
    await lab.crawl();
    expect(await lab.run('copy', { FROM: '2026-01-02' })).toMatchObject({ state: 'SUCCEEDED' });
    expect(await lab.rows('lake.totals')).toEqual([
      ['3', '2026-01-01'],
      ['13', '2026-01-02'],
    ]);
  });

  it('writes a table without partitions, several steps, and JSON inputs with columns in any order', async () => {
    await orders();
    lab.put('people/a.json', '{"email":"a@x","age":5}\n{"age":6,"email":"b@x"}\n');
    await lab.crawl({ table: 'people', columns: { email: 'string', age: 'int' }, keys: {}, format: JSON_LINES });
    await lab.define({
      bookmark: false,
      inputs: { orders: { table: 'lake.orders' }, people: { table: 'lake.people' } },
      steps: [
        { name: 'known', sql: 'select o.*, p.age from orders o join people p using (email);' },
        { name: 'result', sql: 'select age, sum(amount) as total from known group by all -- by age' },
      ],
      output: { table: 'mart.by_age', location: '${OUT}/by age' },
    });
    expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED', error: null });
    expect(await lab.rows('mart.by_age')).toEqual(
      [
        ['5', '1.50'],
        ['6', '2.00'],
      ].map(([age, total]) => [Number(age), total]),
    );
  });

  it('reads files whose headers have another order than the first one’s', async () => {
    lab.put('orders/dt=2026-01-01/a.csv', 'id,email,amount\n1,a@x,1\n');
    lab.put('orders/dt=2026-01-01/b.csv', 'amount,id,email\n2,2,b@x\n');
    lab.put('orders/dt=2026-01-01/c.csv', 'extra,id\nq,3\n');
    lab.put('orders/dt=2026-01-01/empty.csv', '');
    await lab.crawl();
    await lab.define();
    expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED' });
    expect(await lab.rows('lake.orders_parquet')).toEqual([
      ['1', 'a@x', '1.00', '2026-01-01'],
      ['2', 'b@x', '2.00', '2026-01-01'],
      ['3', null, null, '2026-01-01'],
    ]);
  });

  describe('the gate', () => {
    const changed = (columns: Record<string, string>) =>
      write(lab.t.ground, { principal: SYSTEM, owner: 'crawler:lake' }, async (w) => {
        const before = await findTable(w.tx, SYSTEM, { database: 'lake', name: 'orders' });
        if (before === undefined) throw new Error('There is no table.');
        await recordTable(w, {
          database: 'lake',
          name: 'orders',
          type: 'table',
          location: before.location ?? '',
          ...(before.format !== undefined && { format: before.format }),
          schema: { columns: columnList(columns), partitionKeys: before.schema.partitionKeys },
        });
      });

    it('blocks when a column that is read was removed, and reads nothing', async () => {
      await orders();
      await lab.define();
      await changed({ id: 'bigint', amount: 'decimal(10,2)' });
      // Whoever read the data would meet this.
      lab.put('orders/dt=2026-01-01/a.csv', 'broken');
      const run = await lab.run();
      expect(run).toMatchObject({
        state: 'BLOCKED',
        error: {
          code: 'BLOCKED',
          details: {
            input: 'orders',
            table: 'lake.orders',
            fromVersion: 1,
            toVersion: 2,
            diff: [{ kind: 'removed', path: 'email' }],
          },
        },
      });
      expect(lab.outputs()).toEqual([]);
    });

    it('passes when a column that is not read was removed, one was added, and one was widened', async () => {
      await orders();
      await lab.define({ steps: [{ name: 'r', sql: 'select id, amount, dt from orders' }] });
      await changed({ id: 'decimal(38,0)', amount: 'decimal(12,2)', note: 'string' });
      expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED', error: null });
    });

    it('blocks for a retyped column until the job is accepted', async () => {
      await orders();
      await lab.define();
      await lab.run();
      await changed({ ...ORDERS, id: 'string' });
      expect(await lab.run()).toMatchObject({
        state: 'BLOCKED',
        error: { details: { diff: [{ kind: 'retyped', path: 'id', before: 'bigint', after: 'string' }] } },
      });
      const { pins } = await acceptJob(lab.deps, SYSTEM, 'copy');
      expect(pins).toEqual([
        { input: 'orders', tableId: expect.any(String), version: 2, columns: ['amount', 'dt', 'email', 'id'] },
      ]);
      expect((await lab.log()).some(({ kind }) => kind === 'job.accepted')).toBe(true);
      // The gate is open; now the output says that it cannot hold both.
      expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED', result: { bookmark: { newFiles: 0 } } });
      lab.put('orders/dt=2026-01-03/a.csv', 'id,email,amount\nx7,a@x,1.50\n');
      await lab.crawl({ columns: { ...ORDERS, id: 'string' } });
      expect(await lab.run()).toMatchObject({
        state: 'FAILED',
        error: {
          code: 'BAD_JOB',
          message: expect.stringContaining('column «id» is bigint in the table and string in the result'),
        },
      });
    });

    it('pins anew after each good run', async () => {
      await orders();
      await lab.define();
      await changed({ ...ORDERS, amount: 'decimal(12,2)' });
      expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED' });
      await changed(ORDERS);
      expect(await lab.run()).toMatchObject({ state: 'BLOCKED', error: { details: { fromVersion: 2, toVersion: 3 } } });
    });

    it('says that the inputs have changed when the SQL binds no longer', async () => {
      await orders();
      await lab.define({ steps: [{ name: 'r', sql: 'select id, dt, email as note from orders' }] });
      await changed({ id: 'bigint', amount: 'decimal(10,2)', EMAIL: 'array<string>' });
      expect(await lab.run()).toMatchObject({ state: 'BLOCKED' });
    });
  });

  describe('the output', () => {
    it('grows by the columns that are new, and old partitions keep their own', async () => {
      await orders();
      await lab.define();
      await lab.run();
      await lab.define({ steps: [{ name: 'result', sql: "select id, email, amount, dt, 'x' as note from orders" }] });
      lab.put('orders/dt=2026-01-01/late.csv', 'id,email,amount\n4,d@x,4\n');
      await lab.crawl();
      expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED' });
      const table = await findTable(lab.t.db, SYSTEM, { database: 'lake', name: 'orders_parquet' });
      expect(table?.version).toBe(2);
      expect(table?.schema.columns.map(({ name }) => name)).toEqual(['id', 'email', 'amount', 'note']);
    });

    it('is not written when the table belongs to somebody else', async () => {
      await orders();
      lab.put('orders_parquet/dt=2026-01-01/a.csv', 'id,email,amount\n');
      await lab.crawl({ table: 'orders_parquet' });
      await lab.define();
      expect(await lab.run()).toMatchObject({
        state: 'FAILED',
        error: { code: 'ALREADY_EXISTS', details: { owner: 'crawler:lake' } },
      });
      expect(lab.outputs()).toEqual([]);
    });

    it('takes what two jobs append at the same time', async () => {
      await orders();
      await lab.define();
      await lab.define({ name: 'other' });
      await lab.run();
      lab.put('orders/dt=2026-01-01/late.csv', 'id,email,amount\n4,d@x,4\n');
      await lab.crawl();
      const runs = await Promise.all([lab.run(), lab.run('other')]);
      expect(runs.map(({ state }) => state)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
      const ids = (await lab.rows('lake.orders_parquet')).map(([id]) => id);
      expect(ids).toEqual(['1', '1', '2', '2', '3', '3', '4', '4']);
    });

    it('names the column of a type that no table can hold', async () => {
      await orders();
      await lab.define({ steps: [{ name: 'r', sql: "select id, dt, time '10:00' as clock from orders" }] });
      expect(await lab.run()).toMatchObject({
        state: 'FAILED',
        error: { code: 'BAD_JOB', message: expect.stringContaining('«clock» is a TIME') },
      });
    });

    it('keeps hostile partition values and column names', async () => {
      const evil = '"; drop table x; --';
      lab.put('orders/a.csv', 'id\n1\n');
      await lab.crawl({ keys: {}, columns: { id: 'bigint' } });
      const values = ['x/y', "it's", '日本', '..', '50%', evil];
      const list = values.map((value) => `('${value.replaceAll("'", "''")}')`).join(', ');
      await lab.define({
        steps: [
          { name: 'r', sql: `select id as """; drop table x; --", v as "k'ey" from orders, (values ${list}, (null)) t(v)` },
        ],
        output: { table: 'lake.evil', location: '${OUT}/evil', partitionBy: ["k'ey"] },
      });
      expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED', error: null });
      expect((await lab.rows('lake.evil')).map(([, value]) => value).sort()).toEqual([...values, null].sort());
      // And a job that reads it gives the same values.
      await lab.define({
        name: 'again',
        inputs: { evil: { table: 'lake.evil' } },
        steps: [{ name: 'r', sql: `select "k'ey" as v, """; drop table x; --" as n from evil` }],
        output: { table: 'lake.again', location: '${OUT}/again' },
      });
      expect(await lab.run('again')).toMatchObject({ state: 'SUCCEEDED', error: null });
      expect((await lab.rows('lake.again')).map(([value]) => value).sort()).toEqual([...values, null].sort());
    });
  });

  describe('what goes wrong', () => {
    it('tells of a file that changed since the crawl', async () => {
      await orders();
      lab.put('orders/dt=2026-01-01/a.csv', 'id,email,amount\n9,a@x,1.50\n');
      await lab.define();
      expect(await lab.run()).toMatchObject({
        state: 'FAILED',
        error: { code: 'DATA_UNREADABLE', message: expect.stringContaining('crawl again') },
      });
      expect(await findTable(lab.t.db, SYSTEM, { database: 'lake', name: 'orders_parquet' })).toBeUndefined();
    });

    it('names the file and line of a bad value, publishes nothing and leaves no files', async () => {
      await orders();
      lab.put('orders/dt=2026-01-02/bad.csv', 'id,email,amount\n1,a,1\nzz,b,2\n');
      await lab.crawl();
      await lab.define();
      const run = await lab.run();
      expect(run).toMatchObject({
        state: 'FAILED',
        error: { code: 'DATA_UNREADABLE', details: { file: expect.stringContaining('bad.csv'), line: 3 } },
      });
      expect(lab.outputs()).toEqual([]);
      expect(await lab.rows('lake.orders_parquet')).toEqual([]);
    });

    it('refuses a job whose SQL is wrong when it is defined', async () => {
      await orders();
      await expect(lab.define({ steps: [{ name: 'r', sql: 'selec 1' }] })).rejects.toMatchObject({
        code: 'BAD_SQL',
        details: { step: 'r' },
      });
      await expect(lab.define({ steps: [{ name: 'r', sql: 'select nope from orders' }] })).rejects.toMatchObject({
        code: 'BAD_SQL',
      });
    });

    it('names a parameter that is missing', async () => {
      await orders();
      await defineJob(lab.deps, SYSTEM, jobFile({ output: { table: 'lake.x', location: '${NOWHERE}/x' } }));
      expect(await lab.run()).toMatchObject({ state: 'FAILED', error: { code: 'BAD_JOB', details: { missing: ['NOWHERE'] } } });
    });

    it('ends a job that takes too long', async () => {
      await orders();
      await lab.define({
        limits: { timeoutSeconds: 1 },
        steps: [
          { name: 'r', sql: 'select count(*) as n, max(dt) as dt from orders, range(100000000000) a where a.range * id = -1' },
        ],
      });
      expect(await lab.run()).toMatchObject({ state: 'FAILED', error: { code: 'TIMEOUT' } });
      expect(lab.outputs()).toEqual([]);
    });

    it('stops when it is told to', async () => {
      await orders();
      await lab.define({
        steps: [
          { name: 'r', sql: 'select count(*) as n, max(dt) as dt from orders, range(100000000000) a where a.range * id = -1' },
        ],
      });
      const run = await lab.work.enqueue(SYSTEM, { kind: 'job', name: 'copy', params: { parameters: { OUT: lab.out } } });
      setTimeout(() => void lab.work.stop(SYSTEM, run.id), 800);
      expect(await lab.work.waitFor(run.id)).toMatchObject({ state: 'STOPPED' });
      expect(lab.outputs()).toEqual([]);
    });

    it('leaves its own folder empty', async () => {
      await orders();
      await lab.define();
      await lab.run();
      // It goes after the end is known.
      await until('the folder is gone', () => readdirSync(join(lab.folder, 'work')).length === 0);
    });
  });
});

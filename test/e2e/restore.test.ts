import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmptyDb } from '../servers/postgres.ts';
import { ask, tenon } from './command.ts';
import { JOB, layOrders, ordersOf } from './orders.ts';

interface Refusal {
  readonly error: { readonly code: string; readonly message: string };
}

describe('a backup', () => {
  let folder: string;
  let file: string;
  let wanted: unknown;
  const at = (name: string) => join(folder, name);

  /** What people see of a catalog. */
  async function seen(data: string): Promise<unknown> {
    const answers = [];
    for (const args of [
      ['tables'],
      ['table', 'lake.orders_parquet'],
      ['search', 'email'],
      ['sql', 'select dt, count(*), sum(amount) from lake.orders_parquet group by dt order by dt'],
    ])
      answers.push(await ask([...args, '--data', data]));
    return answers;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenon-restore-'));
    file = at('catalog.backup');
    await layOrders(at('lake'), '2026-11-18', 'a.csv', ordersOf(1, 20));
    await layOrders(at('lake'), '2026-11-19', 'a.csv', ordersOf(21, 20));
    await ask(['crawl', at('lake'), '--database', 'lake', '--data', at('data')]);
    await ask(['job', 'run', JOB, '--param', `OUT=${at('out')}`, '--data', at('data')]);
    await ask(['backup', file, '--data', at('data')]);
    wanted = await seen(at('data'));
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('brings the same catalog back in a new directory, and lets its owner in', async () => {
    expect(await ask(['restore', file, '--data', at('new')])).toEqual({
      restored: { tables: expect.any(Number) as number, rows: expect.any(Number) as number },
    });
    expect(await seen(at('new'))).toEqual(wanted);
    expect((await stat(join(at('new'), 'admin-token'))).mode & 0o777).toBe(0o600);
  }, 60_000);

  it('knows what the job has read', async () => {
    const { run } = await ask<{ run: object }>(['job', 'run', JOB, '--param', `OUT=${at('out')}`, '--data', at('new')]);
    expect(run).toMatchObject({ state: 'SUCCEEDED', bookmark: { newFiles: 0 } });
  }, 60_000);

  it('does not go over a catalog that has something in it', async () => {
    const refused = await ask<Refusal>(['restore', file, '--data', at('new')], { expect: 1 });
    expect(refused.error.code).toBe('ALREADY_EXISTS');
    expect(refused.error.message).toContain('There is a catalog here already');
    const { tables } = await ask<{ tables: object[] }>(['tables', '--data', at('new')]);
    expect(tables).toHaveLength(2);
  }, 60_000);

  it('is refused when it is cut off or no file at all, and the catalog is as it was', async () => {
    await writeFile(at('cut'), await readFile(file));
    await truncate(at('cut'), Math.floor((await stat(file)).size * 0.9));
    const data = at('refused');
    // The first start has been: the token and its admin are what must stay.
    await ask(['tables', '--data', data]);
    const { code, stdout, stderr } = await tenon(['restore', at('cut'), '--json', '--data', data]);
    expect([code, stderr]).toEqual([1, '']);
    expect((JSON.parse(stdout) as Refusal).error).toMatchObject({ code: 'DATA_UNREADABLE' });
    for (const name of ['missing', 'lake']) {
      const refused = await ask<Refusal>(['restore', at(name), '--data', data], { expect: 1 });
      expect(refused.error, name).toMatchObject({ code: 'BAD_INPUT' });
    }
    const token = await readFile(join(data, 'admin-token'), 'utf8');
    expect(await ask(['tables', '--data', data])).toEqual({ tables: [] });
    expect(await readFile(join(data, 'admin-token'), 'utf8')).toBe(token);
  }, 60_000);

  it('goes into a Postgres elsewhere, which a second directory then opens too', async () => {
    const { url, close } = await openEmptyDb();
    const options = { env: { TENON_DATABASE_URL: url } };
    await ask(['restore', file, '--data', at('elsewhere')], options);
    for (const name of ['elsewhere', 'second']) {
      const { tables } = await ask<{ tables: object[] }>(['tables', '--data', at(name)], options);
      expect(tables, name).toHaveLength(2);
    }
    await close();
  }, 60_000);

  it('leaves no half of itself where it cannot be written', async () => {
    const refused = await ask<Refusal>(['backup', at('no/such/folder/file'), '--data', at('data')], { expect: 1 });
    expect(refused.error).toMatchObject({ code: 'BAD_INPUT' });
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  }, 60_000);
});

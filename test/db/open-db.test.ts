import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDb } from '../../src/db/open-db.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
afterAll(() => t.close());

describe('openDb', () => {
  it('gives a database that answers', async () => {
    const { rows } = await t.db.execute<{ answer: number }>(sql`select count(*)::int as answer from changes`);
    expect(rows).toEqual([{ answer: 0 }]);
  });

  it('says why a database cannot be reached, without the password', async () => {
    const opened = openDb({ url: 'postgresql://tenon:s3cret@127.0.0.1:1/tenon' });
    await expect(opened).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    await expect(opened).rejects.not.toThrow(/s3cret/);
  });

  it('survives the loss of an idle connection', async () => {
    const { db, pool, close } = await openDb({ url: t.url, max: 1 });
    const { rows } = await db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    const lost = new Promise((resolve) => pool.once('remove', resolve));
    await t.db.execute(sql`select pg_terminate_backend(${rows[0]?.pid})`);
    await lost;
    expect((await db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }]);
    await close();
  });
});

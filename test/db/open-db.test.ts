import { execFileSync } from 'node:child_process';
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

  it('begins a transaction again on another connection when the server has ended the one it was given', async () => {
    const { db, close } = await openDb({ url: t.url, max: 3 });
    await Promise.all([1, 2, 3].map(() => db.execute(sql`select pg_sleep(0.05)`)));
    endSessionsOf(t.url);
    // Our process has not heard of it: it stood still meanwhile.
    const answer = await db.transaction(async (tx) => (await tx.execute(sql`select 1 as one`)).rows);
    expect(answer).toEqual([{ one: 1 }]);
    await close();
  });

  it('does not do again what had begun', async () => {
    const { db, close } = await openDb({ url: t.url, max: 1 });
    let times = 0;
    const lost = db.transaction(async (tx) => {
      times += 1;
      await tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`);
    });
    await expect(lost).rejects.toThrow();
    expect(times).toBe(1);
    await close();
  });
});

/** In a process of its own, while this one waits and so reads nothing. */
function endSessionsOf(url: string): void {
  const script = `
    const client = new (require('pg').Client)(process.argv[1]);
    client.connect()
      .then(() => client.query('select pg_terminate_backend(pid, 1000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'))
      .then(() => client.end());`;
  execFileSync(process.execPath, ['-e', script, url]);
}

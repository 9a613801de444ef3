import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { follow, listFollowers, type Follower } from '../../src/changes/follow.ts';
import { write } from '../../src/changes/write.ts';
import type { Db } from '../../src/db/db.ts';
import type { Change } from '../../src/model/change.ts';
import type { Actor } from '../../src/model/principal.ts';
import { onReached } from '../../src/model/reached.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { until } from '../until.ts';

const BY: Actor = { principal: { id: 'p1', name: 'ada', role: 'editor' }, owner: 'api' };

describe('follow', () => {
  let t: TestDb;
  let running: { stop: AbortController; done: Promise<void> }[] = [];
  beforeAll(async () => {
    t = await openTestDb({ max: 20 });
    await t.db.execute(sql`create table applied (follower text, position bigint, primary key (follower, position))`);
    await t.db.execute(sql`create table commits (subject text, seen bigserial)`);
  });
  afterEach(async () => {
    for (const { stop } of running) stop.abort();
    await Promise.all(running.map(({ done }) => done));
    running = [];
  });
  afterAll(() => t.close());

  const change = (id: string) => write(t.ground, BY, async (w) => (await w.entry({ id })).note({ kind: 'table.changed' }));
  const start = (follower: Omit<Follower, 'signal'>) => {
    const stop = new AbortController();
    running.push({ stop, done: follow(t.ground, { ...follower, signal: stop.signal }) });
    return stop;
  };
  const state = async (name: string) => (await listFollowers(t.db)).find((one) => one.name === name);
  const upToDate = (name: string) => until(`${name} is up to date`, async () => (await state(name))?.upToDate);
  /** Writes what it applies into a table, whose primary key would refuse a second time. */
  const noting = (follower: string, seen: string[] = []) => ({
    name: follower,
    apply: async (tx: Db, changes: readonly Change[]) => {
      for (const { position, subject } of changes) {
        await tx.execute(sql`insert into applied values (${follower}, ${position})`);
        seen.push(subject);
      }
    },
  });

  it('applies what was there, then what comes, each once and in order', async () => {
    await change('a');
    const seen: string[] = [];
    start(noting('in order', seen));
    await upToDate('in order');
    for (const id of ['b', 'c', 'd']) await change(id);
    await until('all came', () => seen.length === 4);
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is woken by the commit, long before it would look by itself', async () => {
    const seen: string[] = [];
    start({ ...noting('woken', seen), from: 'now' });
    await upToDate('woken');
    await change('warm-up');
    await until('the first came', () => seen.length === 1);
    const delays: number[] = [];
    for (let i = 1; i <= 5; i++) {
      const before = performance.now();
      await change(`w${i}`);
      await until('it came', () => seen.length === i + 1);
      delays.push(performance.now() - before);
    }
    expect(Math.min(...delays)).toBeLessThan(500);
  });

  it('goes on when its listening connection is lost', async () => {
    const seen: string[] = [];
    start({ ...noting('cut', seen), from: 'now' });
    await upToDate('cut');
    await change('before the cut');
    await until('the first came', () => seen.length === 1);
    await t.db.execute(
      sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'`,
    );
    await change('after the cut');
    await until('the second came', () => seen.length === 2);
  });

  it('begins with what comes when it is told so', async () => {
    const seen: string[] = [];
    await change('old');
    start({ ...noting('from now', seen), from: 'now' });
    await until('it has a cursor', async () => (await state('from now')) !== undefined);
    await change('new');
    await until('it came', () => seen.length > 0);
    expect(seen).toEqual(['new']);
  });

  it('stays before what it cannot apply, says why, and does not hold up others', async () => {
    const seen: string[] = [];
    let broken = true;
    start({
      name: 'failing',
      from: 'now',
      apply: async (tx, changes) => {
        for (const { position, subject } of changes) {
          await tx.execute(sql`insert into applied values ('failing', ${position})`);
          if (subject === 'poison' && broken) throw new Error('cannot digest poison');
        }
      },
    });
    start({ ...noting('healthy', seen), from: 'now' });
    await upToDate('failing');
    await upToDate('healthy');
    const before = (await state('failing'))?.cursor;
    await write(t.ground, BY, async (w) => {
      for (const id of ['fine', 'poison', 'later']) (await w.entry({ id })).note({ kind: 'table.changed' });
    });
    await until('it says why', async () => (await state('failing'))?.error === 'cannot digest poison');
    expect((await state('failing'))?.cursor).toBe(before);
    expect((await t.db.execute(sql`select * from applied where follower = 'failing'`)).rows).toEqual([]);
    await until('the other got on', () => seen.length === 3);
    broken = false;
    await upToDate('failing');
    expect((await state('failing'))?.error).toBeUndefined();
    expect((await t.db.execute(sql`select * from applied where follower = 'failing'`)).rows).toHaveLength(3);
  });

  it.each(['follow.before-apply', 'follow.before-cursor'] as const)('applies again what a crash at %s undid', async (label) => {
    const name = `crash at ${label}`;
    const seen: string[] = [];
    let crashes = 0;
    const unhook = onReached((at) => {
      if (at === label && crashes++ < 2) throw new Error('crashed');
    });
    for (const id of ['x', 'y']) await change(id);
    start({ ...noting(name, seen), batch: 3 });
    await upToDate(name);
    unhook();
    const { rows } = await t.db.execute(
      sql`select (select count(*) from applied where follower = ${name}) = (select count(*) from changes) as whole`,
    );
    expect(rows).toEqual([{ whole: true }]);
    expect(crashes).toBeGreaterThan(1);
  });

  it('shares the work of one name between two, and never applies a change twice', async () => {
    const seen: string[] = [];
    const errors: unknown[] = [];
    for (const _ of [1, 2]) start({ ...noting('shared', seen), batch: 2, from: 'now', onError: (error) => errors.push(error) });
    await upToDate('shared');
    const ids = Array.from({ length: 40 }, (_, i) => `s${i}`);
    for (const id of ids) await change(id);
    await upToDate('shared');
    expect(errors).toEqual([]);
    expect(seen).toEqual(ids);
  });

  it('resolves when it is aborted, also in a pause after a failure', async () => {
    const stop = start({
      name: 'aborted',
      apply: () => Promise.reject(new Error('never works')),
    });
    await until('it failed', async () => (await state('aborted'))?.error === 'never works');
    stop.abort();
    await running.at(-1)?.done;
  });

  describe('with eight writers at once, some of them slow', () => {
    const WRITERS = 8;
    const EACH = 25;
    /** Each writer takes its position early and commits late, the more so the luckier it is. */
    const slow = (i: number) => sql`select pg_sleep(${i % 5 === 0 ? 0.02 : 0})`;

    it('sees each change exactly once, in the order of commits', async () => {
      const seen: Change[] = [];
      start({ name: 'all the time', from: 'now', apply: async (_, changes) => void seen.push(...changes) });
      await upToDate('all the time');
      await Promise.all(
        Array.from({ length: WRITERS }, async (_, n) => {
          for (let i = 0; i < EACH; i++) {
            await write(t.ground, BY, async (w) => {
              (await w.entry({ id: `order-${n}-${i}` })).note({ kind: 'table.changed' });
              await w.tx.execute(slow(n + i));
              await w.tx.execute(sql`insert into commits (subject) values (${`order-${n}-${i}`})`);
            });
          }
        }),
      );
      await until('all came', () => seen.length >= WRITERS * EACH);
      expect(seen).toHaveLength(WRITERS * EACH);
      const byPosition = [...seen].sort((a, b) => (a.position < b.position ? -1 : 1)).map(({ subject }) => subject);
      expect(seen.map(({ subject }) => subject)).toEqual(byPosition);
      // Numbered right before the commit, under the lock: the order in which the transactions ended.
      const { rows } = await t.db.execute<{ subject: string }>(sql`select subject from commits order by seen`);
      expect(rows.map(({ subject }) => subject)).toEqual(byPosition);
    });

    it('would lose changes without the lock, so the test above can fail', async () => {
      await t.db.execute(sql`create table naive (position bigserial primary key, subject text)`);
      const seen = new Set<string>();
      let cursor = 0n;
      const look = async () => {
        const { rows } = await t.db.execute<{ position: string; subject: string }>(
          sql`select * from naive where position > ${cursor} order by position`,
        );
        for (const row of rows) {
          seen.add(row.subject);
          cursor = BigInt(row.position);
        }
      };
      let release = (): void => undefined;
      const slowOne = t.db.transaction(async (tx) => {
        await tx.execute(sql`insert into naive (subject) values ('slow')`);
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      });
      await until('the slow one has its position', async () => {
        const { rows } = await t.db.execute<{ taken: boolean }>(sql`select is_called as taken from naive_position_seq`);
        return rows[0]?.taken;
      });
      await t.db.execute(sql`insert into naive (subject) values ('fast')`);
      await look();
      release();
      await slowOne;
      await look();
      expect([...seen]).toEqual(['fast']);
    });
  });
});

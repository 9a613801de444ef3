import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { newestAge, relationsAt } from '../../src/db/migrations.ts';
import { openDb } from '../../src/db/open-db.ts';
import { onReached } from '../../src/model/reached.ts';
import { openEmptyDb } from '../servers/postgres.ts';
import { startScript } from '../servers/script.ts';
import { ask } from './embedded.ts';

const TABLES = "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1";

let t: { url: string; close(): Promise<void> };
beforeEach(async () => {
  t = await openEmptyDb();
});
afterEach(() => t.close());

describe('migrate', () => {
  it('makes exactly the tables that the snapshot names, which a backup relies on', async () => {
    expect((await migrate(t.url)).applied).toBeGreaterThan(0);
    const { tables } = relationsAt(newestAge());
    expect(await ask(t.url, TABLES)).toEqual([...tables].sort().map((name) => ({ name })));
  });

  it('has nothing to do the second time', async () => {
    await migrate(t.url);
    expect(await migrate(t.url)).toEqual({ applied: 0 });
  });

  it('works on a pool too, and gives the connection back', async () => {
    const { pool, close } = await openDb({ url: t.url, max: 1 });
    expect((await migrate(pool)).applied).toBeGreaterThan(0);
    expect(await migrate(pool)).toEqual({ applied: 0 });
    await close();
  });

  it('is done once when many start at once', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => migrate(t.url)));
    expect(all.filter(({ applied }) => applied > 0)).toHaveLength(1);
  });

  it('refuses a database that a newer program has migrated, and changes nothing', async () => {
    await migrate(t.url);
    await ask(t.url, "insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 99999999999999)");
    await expect(migrate(t.url)).rejects.toMatchObject({ code: 'DATABASE_TOO_NEW' });
  });

  it('brings the schema of the queue, and refuses a newer one', async () => {
    await migrate(t.url);
    await ask(t.url, 'insert into graphile_worker.migrations (id, breaking) values (999999, true)');
    await expect(migrate(t.url)).rejects.toMatchObject({ code: 'DATABASE_TOO_NEW' });
  });

  it('refuses a server that is too old', async () => {
    await ask(
      t.url,
      "create schema old; create function old.current_setting(text) returns text language sql as $$ select '140012' $$",
    );
    const url = `${t.url}&options=${encodeURIComponent('-c search_path=old,pg_catalog')}`;
    await expect(migrate(url)).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('Postgres 14') });
  });

  it('leaves the old schema when it fails half-way', async () => {
    const off = onReached(() => {
      throw new Error('half-way');
    });
    await expect(migrate(t.url)).rejects.toThrow('half-way');
    off();
    expect(await ask(t.url, TABLES)).toEqual([]);
    expect((await migrate(t.url)).applied).toBeGreaterThan(0);
  });

  it('leaves the old schema when it is killed before its commit, and the lock to the next', async () => {
    const script = startScript(new URL('scripts/migrate.ts', import.meta.url), [t.url]);
    expect(await script.ended).toBe('SIGKILL');
    expect(await ask(t.url, TABLES)).toEqual([]);
    expect((await migrate(t.url)).applied).toBeGreaterThan(0);
  });
});

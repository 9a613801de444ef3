import { existsSync } from 'node:fs';
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { processStart } from '../../src/db/process-start.ts';
import { SKIPS } from '../servers/allowed-skips.ts';
import { startScript } from '../servers/script.ts';
import { until } from '../until.ts';
import { ask, QUICK, removeFolders, temporaryFolder } from './embedded.ts';

afterAll(removeFolders);

const OPEN = new URL('scripts/open.ts', import.meta.url);
const root = process.getuid?.() === 0;

describe('openEmbeddedPostgres', () => {
  it('makes a database, stops it, and finds its rows again', async () => {
    const folder = await temporaryFolder();
    const first = await openEmbeddedPostgres(folder, QUICK);
    expect(first.adopted).toBe(false);
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.close();
    expect(await processStart(first.pid)).toBeUndefined();
    const second = await openEmbeddedPostgres(folder, QUICK);
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.close();
  });

  it('lets nobody in but through a socket in a closed folder, and keeps what is committed', async () => {
    const folder = await temporaryFolder();
    const { url, close } = await openEmbeddedPostgres(folder);
    const shown = await ask(
      url,
      "select name, setting from pg_settings where name in ('fsync', 'listen_addresses', 'data_checksums') order by name",
    );
    expect(shown).toEqual([
      { name: 'data_checksums', setting: 'on' },
      { name: 'fsync', setting: 'on' },
      { name: 'listen_addresses', setting: '' },
    ]);
    const socket = new URL(url).searchParams.get('host') ?? '';
    expect((await stat(socket)).mode & 0o777).toBe(0o700);
    await close();
  });

  it('sorts and folds by its own locale, whatever the machine’s is', async () => {
    const { url, close } = await openEmbeddedPostgres(await temporaryFolder(), QUICK);
    expect(
      await ask(
        url,
        "select string_agg(t, ' ' order by t) as sorted, lower('ÄÖ') as folded from (values ('b'), ('a'), ('B'), ('ä')) v(t)",
      ),
    ).toEqual([{ sorted: 'B a b ä', folded: 'äö' }]);
    await close();
  });

  it('is no part of our process group, so that Ctrl-C does not stop it under our feet', async ({ skip }) => {
    skip(process.platform !== 'linux', SKIPS.notLinux);
    const { pid, close } = await openEmbeddedPostgres(await temporaryFolder(), QUICK);
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    expect(Number(fields[2])).toBe(pid);
    await close();
  });

  it('closes at once though a transaction is open', async () => {
    const { url, close } = await openEmbeddedPostgres(await temporaryFolder(), QUICK);
    const sleeping = ask(url, 'select pg_sleep(60)').catch((error: unknown) => error);
    await until(
      'the query runs',
      async () => (await ask(url, "select from pg_stat_activity where query like 'select pg_sleep%'")).length > 0,
    );
    await close();
    expect(await sleeping).toBeInstanceOf(Error);
  });

  it('finds committed rows after its server was killed', async () => {
    const folder = await temporaryFolder();
    const first = await openEmbeddedPostgres(folder);
    await ask(first.url, 'create table kept as select generate_series(1, 1000) as n');
    process.kill(first.pid, 'SIGKILL');
    const second = await openEmbeddedPostgres(folder);
    expect(await ask(second.url, 'select count(*)::int as n from kept')).toEqual([{ n: 1000 }]);
    await second.close();
  });

  it('does not adopt a server that is dying', async () => {
    const folder = await temporaryFolder();
    const first = await openEmbeddedPostgres(folder, QUICK);
    // Killed, a process is there for a moment longer. One that stands still is there and answers as little.
    process.kill(first.pid, 'SIGSTOP');
    const opening = openEmbeddedPostgres(folder, QUICK);
    await sleep(300);
    process.kill(first.pid, 'SIGKILL');
    const second = await opening;
    expect(second.adopted).toBe(false);
    expect(await ask(second.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    await second.close();
  });

  it('adopts the server whose starter was killed', async () => {
    const folder = await temporaryFolder();
    const starter = startScript(OPEN, ['open', folder]);
    const { pid, adopted } = await starter.said();
    expect(adopted).toBe(false);
    starter.kill('SIGKILL');
    expect(await starter.ended).toBe('SIGKILL');
    const server = await openEmbeddedPostgres(folder, QUICK);
    expect(server).toMatchObject({ pid, adopted: true });
    await server.close();
    expect(await processStart(server.pid)).toBeUndefined();
  });

  it('makes one database when four processes open a fresh directory at once', async () => {
    const folder = join(await temporaryFolder(), 'new', 'lake');
    const scripts = Array.from({ length: 4 }, () => startScript(OPEN, ['open', folder]));
    const said = await Promise.all(scripts.map((script) => script.said()));
    expect(said.filter(({ adopted }) => adopted === false)).toHaveLength(1);
    expect(new Set(said.map(({ pid }) => pid)).size).toBe(1);
    for (const script of scripts) script.kill('SIGKILL');
    await Promise.all(scripts.map(({ ended }) => ended));
    const server = await openEmbeddedPostgres(folder, QUICK);
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.close();
  });

  it('begins anew when its first start was killed half-way', async () => {
    const folder = await temporaryFolder();
    const starter = startScript(OPEN, ['open', folder]);
    await until(
      'initdb has begun',
      async () => existsSync(folder) && (await drafts(folder)).some((draft) => existsSync(join(folder, draft, 'PG_VERSION'))),
    );
    starter.kill('SIGKILL');
    await starter.ended;
    const server = await openEmbeddedPostgres(folder);
    expect(server.adopted).toBe(false);
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.close();
  });

  it('starts though the process id it left behind is somebody else’s by now', async ({ skip }) => {
    skip(process.platform !== 'linux', SKIPS.notLinux);
    const folder = await temporaryFolder();
    const first = await openEmbeddedPostgres(folder, QUICK);
    const owner = await stat(join(folder, 'postgres'));
    const left = await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8');
    process.kill(first.pid, 'SIGKILL');
    // As whoever Postgres runs as: only then would it take the process for a colleague.
    const other = startScript(new URL('scripts/wait.ts', import.meta.url), [], root ? { uid: owner.uid, gid: owner.gid } : {});
    await other.said();
    await writeFile(join(folder, 'postgres', 'postmaster.pid'), left.replace(/^\d+/, String(other.pid)));
    const second = await openEmbeddedPostgres(folder, QUICK);
    expect(second.adopted).toBe(false);
    await second.close();
    other.kill('SIGKILL');
  });
});

describe('a data directory that cannot be used', () => {
  it('is refused when another major version of Postgres made it', async () => {
    const folder = await temporaryFolder();
    await openEmbeddedPostgres(folder, QUICK).then(({ close }) => close());
    await writeFile(join(folder, 'postgres', 'PG_VERSION'), '16\n');
    await expect(openEmbeddedPostgres(folder, QUICK)).rejects.toMatchObject({
      code: 'DATA_DIRECTORY',
      message: expect.stringMatching(/made by Postgres 16.*backup/),
    });
  });

  it('is refused, with Postgres’s reason, when files of the database are gone', async () => {
    const folder = await temporaryFolder();
    await openEmbeddedPostgres(folder, QUICK).then(({ close }) => close());
    await rm(join(folder, 'postgres', 'global', 'pg_control'));
    await expect(openEmbeddedPostgres(folder, QUICK)).rejects.toMatchObject({
      code: 'DATA_DIRECTORY',
      message: expect.stringContaining('pg_control'),
    });
  });

  it('is refused when it is a file', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    await expect(openEmbeddedPostgres(file, QUICK)).rejects.toMatchObject({ code: 'DATA_DIRECTORY' });
  });
});

async function drafts(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('postgres.new-'));
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/db/open-db.ts';
import { claimDirectory, ownDirectory } from '../../src/db/own.ts';
import { openEmptyDb } from '../servers/postgres.ts';
import { startScript } from '../servers/script.ts';
import { until } from '../until.ts';
import { ask, QUICK, removeFolders, temporaryFolder } from './embedded.ts';

afterAll(removeFolders);

const OPEN = new URL('scripts/open.ts', import.meta.url);

describe('ownDirectory', () => {
  let t: { url: string; close(): Promise<void> };
  beforeAll(async () => {
    t = await openEmptyDb();
  });
  afterAll(() => t.close());

  it('gives a database to one at a time', async () => {
    const first = await ownDirectory(t.url);
    expect(first.owned).toBe(true);
    expect(await ownDirectory(t.url)).toEqual({ owned: false });
    if (first.owned) await first.release();
    const second = await until('the lock is free', () => owned(ownDirectory(t.url)));
    await second.release();
  });

  it('gives it to exactly one of many who come at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => ownDirectory(t.url)));
    const owners = all.filter((one) => one.owned);
    expect(owners).toHaveLength(1);
    for (const owner of owners) await owner.release();
  });

  it('tells the owner, once, when its session breaks, and lets another own it', async () => {
    const losses: Error[] = [];
    await until('the lock is free', () => owned(ownDirectory(t.url, (error) => losses.push(error))));
    await ask(
      t.url,
      "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );
    await until('the loss is noticed', () => losses.length > 0);
    const next = await until('the lock is free', () => owned(ownDirectory(t.url)));
    expect(losses).toHaveLength(1);
    await next.release();
  });

  it('says nothing of a loss after it was given up', async () => {
    const losses: Error[] = [];
    const owner = await until('the lock is free', () => owned(ownDirectory(t.url, (error) => losses.push(error))));
    await owner.release();
    const other = await connect(t.url);
    await other.end();
    expect(losses).toEqual([]);
  });
});

describe('claimDirectory', () => {
  it('makes one of four processes the owner of a fresh directory', async () => {
    const folder = await temporaryFolder();
    const scripts = Array.from({ length: 4 }, () => startScript(OPEN, ['claim', folder]));
    const said = await Promise.all(scripts.map((script) => script.said()));
    expect(said.filter((one) => one['owned'] === true)).toHaveLength(1);
    for (const script of scripts) script.tell('close');
    await Promise.all(scripts.map(({ ended }) => ended));
  });

  it('gives the directory of a killed owner to the next one at once, with its server', async () => {
    const folder = await temporaryFolder();
    const script = startScript(OPEN, ['claim', folder]);
    const { pid } = await script.said();
    expect(await claimDirectory(folder, undefined, QUICK)).toEqual({ owned: false });
    script.kill('SIGKILL');
    await script.ended;
    const next = await until('the directory is free', () => owned(claimDirectory(folder, undefined, QUICK)), 2_000);
    expect(next).toMatchObject({ pid, adopted: true });
    expect(await ask(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await next.close();
  });

  it('never has two owners while many come and go', async () => {
    const folder = await temporaryFolder();
    let owners = 0;
    const visit = async () => {
      for (let turns = 0; turns < 3; turns++) {
        const claim = await until('the directory is free', () => owned(claimDirectory(folder, undefined, QUICK)), 25_000);
        expect(++owners).toBe(1);
        await ask(claim.url, 'select 1');
        owners--;
        await claim.close();
      }
    };
    await Promise.all([visit(), visit(), visit()]);
  });
});

async function owned<T extends { owned: boolean }>(trying: Promise<T>): Promise<Extract<T, { owned: true }> | undefined> {
  const result = await trying;
  return result.owned ? (result as Extract<T, { owned: true }>) : undefined;
}

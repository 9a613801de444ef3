import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readChanges } from '../../src/access/audit.ts';
import { ensureLocalToken } from '../../src/access/local-token.ts';
import { createPrincipal, grantRole, SYSTEM } from '../../src/access/principals.ts';
import { createToken, findPrincipalByToken, listTokens, revokeToken } from '../../src/access/tokens.ts';
import { write, type Write } from '../../src/changes/write.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

describe('the token of the local command line', () => {
  let t: TestDb;
  let folder: string;
  const bySystem = <T>(fn: (w: Write) => Promise<T>) => write(t.ground, { principal: SYSTEM, owner: 'api' }, fn);
  const fileOf = (name: string) => join(folder, name, 'admin-token');
  const kept = async (name: string) => (await readFile(fileOf(name), 'utf8')).trim();
  const whoHas = async (name: string) => findPrincipalByToken(t.db, await kept(name), t.clock());

  beforeAll(async () => {
    t = await openTestDb();
    folder = await mkdtemp(join(tmpdir(), 'tenon-token-'));
  });
  afterAll(async () => {
    await t.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is the first admin’s at the first start, told once, in a file that is its owner’s alone', async () => {
    const { first } = await ensureLocalToken(t.ground, fileOf('one'));
    expect(await kept('one')).toBe(first);
    expect((await stat(fileOf('one'))).mode & 0o777).toBe(0o600);
    expect(await whoHas('one')).toMatchObject({ name: 'admin', role: 'admin' });
    expect(await readdir(join(folder, 'one'))).toEqual(['admin-token']);
  });

  it('stays as it is while it is good, and the log stays silent', async () => {
    const before = [await kept('one'), await readChanges(t.db, SYSTEM, {}, { first: 100 })];
    expect(await ensureLocalToken(t.ground, fileOf('one'))).toEqual({});
    expect([await kept('one'), await readChanges(t.db, SYSTEM, {}, { first: 100 })]).toEqual(before);
  });

  it('is made anew, of an admin, in a directory that has none, and the other directory keeps its own', async () => {
    expect(await ensureLocalToken(t.ground, fileOf('two'))).toEqual({});
    expect(await whoHas('two')).toMatchObject({ role: 'admin' });
    expect(await whoHas('one')).toMatchObject({ role: 'admin' });
    const names = (await listTokens(t.db, SYSTEM, { first: 10 })).items.map(({ item }) => item.name);
    expect(names).toEqual(['first start', 'local command line']);
  });

  it.each(['', 'tenon_', `tenon_${'A'.repeat(43)}`, 'no token at all\n\u0000'])('replaces what is no token: %j', async (text) => {
    await writeFile(fileOf('two'), text);
    await ensureLocalToken(t.ground, fileOf('two'));
    expect(await whoHas('two')).toMatchObject({ role: 'admin' });
  });

  it('replaces one that was revoked', async () => {
    const { items } = await listTokens(t.db, SYSTEM, { first: 100 });
    await bySystem(async (w) => {
      for (const { item } of items) await revokeToken(w, item);
    });
    expect(await whoHas('two')).toBeUndefined();
    await ensureLocalToken(t.ground, fileOf('two'));
    expect(await whoHas('two')).toMatchObject({ role: 'admin' });
  });

  it('leaves one alone that a person put there, of a lesser role', async () => {
    const token = await bySystem(async (w) => {
      await createPrincipal(w, { name: 'ada', role: 'reader' });
      return createToken(w, { principal: 'ada', name: 'for this machine' });
    });
    await writeFile(fileOf('two'), token.token);
    await ensureLocalToken(t.ground, fileOf('two'));
    expect(await whoHas('two')).toMatchObject({ name: 'ada', role: 'reader' });
  });

  it('is of another admin when the first one is one no more', async () => {
    await bySystem(async (w) => {
      await createPrincipal(w, { name: 'grace', role: 'admin' });
      await grantRole(w, { principal: 'admin', role: 'reader' });
    });
    await ensureLocalToken(t.ground, fileOf('three'));
    expect(await whoHas('three')).toMatchObject({ name: 'grace', role: 'admin' });
  });

  it('fails with a code, and makes no token, where the file cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    const before = (await listTokens(t.db, SYSTEM, { first: 100 })).items.length;
    await expect(ensureLocalToken(t.ground, join(folder, 'file', 'admin-token'))).rejects.toMatchObject({
      code: 'DATA_DIRECTORY',
    });
    expect((await listTokens(t.db, SYSTEM, { first: 100 })).items).toHaveLength(before);
  });

  it('is not given away where a person let others read the folder', async () => {
    await chmod(join(folder, 'three'), 0o777);
    await rm(fileOf('three'));
    await ensureLocalToken(t.ground, fileOf('three'));
    expect((await stat(fileOf('three'))).mode & 0o777).toBe(0o600);
  });
});

import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readChanges } from '../../src/access/audit.ts';
import { ensureAdmin } from '../../src/access/ensure-admin.ts';
import { createPrincipal, findPrincipal, grantRole, listPrincipals, SYSTEM } from '../../src/access/principals.ts';
import { createToken, findPrincipalByToken, listTokens, revokeToken } from '../../src/access/tokens.ts';
import { write, type Write } from '../../src/changes/write.ts';
import type { Principal } from '../../src/model/principal.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

describe('principals and tokens', () => {
  let t: TestDb;
  let first: string;
  const as = <T>(principal: Principal, fn: (w: Write) => Promise<T>) => write(t.ground, { principal, owner: 'api' }, fn);
  const bySystem = <T>(fn: (w: Write) => Promise<T>) => as(SYSTEM, fn);

  beforeAll(async () => {
    t = await openTestDb();
  });
  afterAll(() => t.close());

  it('makes one admin at the first start, also when two start at once, and gives the token once', async () => {
    const kept: string[] = [];
    const starts = await Promise.all([1, 2].map(() => ensureAdmin(t.ground, async (token) => void kept.push(token))));
    const made = starts.flatMap(({ created }) => created ?? []);
    expect(made).toHaveLength(1);
    expect(kept).toEqual(made);
    first = made[0] ?? '';
    expect(first).toMatch(/^tenon_[A-Za-z0-9_-]{43}$/);
    expect(await ensureAdmin(t.ground)).toEqual({});
    expect(await findPrincipalByToken(t.db, first, t.clock())).toMatchObject({ name: 'admin', role: 'admin' });
  });

  it('makes no admin when the token could not be kept', async () => {
    const other = await openTestDb();
    await expect(ensureAdmin(other.ground, () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
    expect(await ensureAdmin(other.ground)).toHaveProperty('created');
    await other.close();
  });

  it('keeps neither the token nor anything like it in the database', async () => {
    const { rows } = await t.db.execute(
      sql`select (select json_agg(tokens) from tokens)::text || (select json_agg(changes) from changes)::text as all`,
    );
    const all = JSON.stringify(rows);
    expect(all).not.toContain(first);
    expect(all).not.toContain(first.slice('tenon_'.length));
  });

  it('knows who acts with a token until it expires', async () => {
    await bySystem((w) => createPrincipal(w, { name: 'ada', role: 'editor' }));
    const expiresAt = new Date(t.clock().getTime() + 60_000);
    const { token } = await bySystem((w) => createToken(w, { principal: 'ada', name: 'laptop', expiresAt }));
    expect(await findPrincipalByToken(t.db, token, new Date(expiresAt.getTime() - 1))).toMatchObject({
      name: 'ada',
      role: 'editor',
    });
    expect(await findPrincipalByToken(t.db, token, expiresAt)).toBeUndefined();
  });

  it('refuses a token from the moment it is revoked', async () => {
    const { id, token } = await bySystem((w) => createToken(w, { principal: 'ada', name: 'lost' }));
    await bySystem((w) => revokeToken(w, { id }));
    await bySystem((w) => revokeToken(w, { id }));
    expect(await findPrincipalByToken(t.db, token, t.clock())).toBeUndefined();
    const page = await listTokens(t.db, SYSTEM, { first: 10 });
    expect(page.items.map(({ item }) => [item.principal, item.name, item.revokedAt !== undefined])).toEqual([
      ['admin', 'first start', false],
      ['ada', 'laptop', false],
      ['ada', 'lost', true],
    ]);
  });

  it('knows nobody by a token that is wrong, cut, or something else', async () => {
    const flipped = first.slice(0, -2) + (first.endsWith('AA') ? 'BB' : 'AA');
    for (const token of [
      '',
      'tenon_',
      first.slice(0, -1),
      `${first}x`,
      flipped,
      ` ${first}`,
      first.toUpperCase(),
      "' or 1=1 --",
      'x'.repeat(1e6),
    ]) {
      expect(await findPrincipalByToken(t.db, token, t.clock())).toBeUndefined();
    }
  });

  it('gives a principal another role at once, for tokens that exist too', async () => {
    const { token } = await bySystem((w) => createToken(w, { principal: 'ada', name: 'role' }));
    await bySystem((w) => grantRole(w, { principal: 'ada', role: 'reader' }));
    expect(await findPrincipalByToken(t.db, token, t.clock())).toMatchObject({ role: 'reader' });
    expect(await findPrincipal(t.db, { name: 'ada' })).toMatchObject({ role: 'reader' });
  });

  it('does not take the role from the last admin', async () => {
    await expect(bySystem((w) => grantRole(w, { principal: 'admin', role: 'reader' }))).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });

  it('is for admins only', async () => {
    const editor: Principal = { id: 'e', name: 'e', role: 'editor' };
    const forbidden = { code: 'FORBIDDEN', details: { needed: 'admin' } };
    await expect(as(editor, (w) => createPrincipal(w, { name: 'mallory', role: 'admin' }))).rejects.toMatchObject(forbidden);
    await expect(as(editor, (w) => grantRole(w, { principal: 'ada', role: 'admin' }))).rejects.toMatchObject(forbidden);
    await expect(as(editor, (w) => createToken(w, { principal: 'admin', name: 'x' }))).rejects.toMatchObject(forbidden);
    await expect(as(editor, (w) => revokeToken(w, { id: 'x' }))).rejects.toMatchObject(forbidden);
    await expect(listPrincipals(t.db, editor, { first: 1 })).rejects.toMatchObject(forbidden);
    await expect(listTokens(t.db, editor, { first: 1 })).rejects.toMatchObject(forbidden);
  });

  it.each(['', ' ', 'system', 'a b', '-x', 'x'.repeat(128), "x'; drop table principals; --", 'a\u0000b'])(
    'refuses the name «%s»',
    async (name) => {
      await expect(bySystem((w) => createPrincipal(w, { name, role: 'reader' }))).rejects.toMatchObject({ code: 'BAD_INPUT' });
    },
  );

  it('refuses a second principal of a name, an unknown one, and a token from the past', async () => {
    await expect(bySystem((w) => createPrincipal(w, { name: 'ada', role: 'reader' }))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    await expect(bySystem((w) => grantRole(w, { principal: 'bob', role: 'reader' }))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(bySystem((w) => createToken(w, { principal: 'bob', name: 'x' }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(bySystem((w) => createToken(w, { principal: 'ada', name: 'x', expiresAt: t.clock() }))).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });

  it('lists principals page by page', async () => {
    for (const name of ['bob', 'carol']) await bySystem((w) => createPrincipal(w, { name, role: 'reader' }));
    const one = await listPrincipals(t.db, SYSTEM, { first: 3 });
    expect(one.items.map(({ item }) => item.name)).toEqual(['ada', 'admin', 'bob']);
    const two = await listPrincipals(t.db, SYSTEM, { first: 3, after: one.items.at(-1)?.cursor });
    expect([two.items.map(({ item }) => item.name), two.hasNextPage]).toEqual([['carol'], false]);
  });

  it('shows in the log who got access, to admins', async () => {
    const kinds = async (principal: Principal) =>
      (await readChanges(t.db, principal, {}, { first: 100 })).items.map(({ item }) => item.kind);
    expect(await kinds(SYSTEM)).toEqual(
      expect.arrayContaining(['principal.created', 'principal.changed', 'token.created', 'token.revoked']),
    );
    expect(await kinds({ id: 'r', name: 'r', role: 'reader' })).toEqual([]);
  });
});

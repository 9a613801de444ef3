import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listChanges } from '../../src/changes/list.ts';
import { CONNECTION_KINDS, type ConnectionDraft } from '../../src/connections/connections.ts';
import { connections as rows } from '../../src/db/tables/connections.ts';
import type { Principal } from '../../src/model/principal.ts';
import { FakeBucket } from '../servers/fake-s3-bucket.ts';
import { startFakeS3 } from '../servers/fake-s3.ts';
import { ADMIN, openTestConnections, type TestConnections } from './test-connections.ts';

const EDITOR: Principal = { id: 'e', name: 'editor', role: 'editor' };
const SECRET = 'correct horse battery';

describe('connections', () => {
  let test: TestConnections;

  beforeAll(async () => {
    test = await openTestConnections();
  });
  afterAll(() => test.close());

  const warehouse = (more: Partial<ConnectionDraft> = {}): ConnectionDraft => ({
    name: 'warehouse',
    kind: 'postgres',
    options: { host: 'db.example', user: 'reader' },
    ...more,
  });
  const changes = async () => (await listChanges(test.t.db, {}, { first: 1_000 })).items.map(({ item }) => item);

  it('keeps a connection with its secret sealed, and shows all but that', async () => {
    const made = await test.define(warehouse({ secret: SECRET }));
    expect(made).toEqual({
      id: made.id,
      name: 'warehouse',
      kind: 'postgres',
      options: { host: 'db.example', port: 5432, user: 'reader', sslmode: 'prefer' },
      hasSecret: true,
    });
    expect(await test.connections.find(ADMIN, 'warehouse')).toEqual(made);
    const stored = await test.t.db.select().from(rows);
    const sealed = stored.find(({ id }) => id === made.id)?.secret ?? new Uint8Array();
    expect(Buffer.from(sealed).toString('latin1')).not.toContain(SECRET);
    expect(test.secrets.unseal(sealed, made.id)).toBe(SECRET);
    expect(() => test.secrets.unseal(sealed, 'another')).toThrow();
    const said = JSON.stringify(await changes(), (_, value) => (typeof value === 'bigint' ? String(value) : value));
    expect(said).toContain('connection.created');
    expect(said).not.toContain(SECRET);
  });

  it('writes nothing when nothing changes, not even for the same secret again', async () => {
    await test.define(warehouse({ secret: SECRET }));
    const before = (await changes()).length;
    await test.define(warehouse({ secret: SECRET }));
    await test.define(warehouse());
    expect((await changes()).length).toBe(before);
    await test.define(warehouse({ secret: 'another' }));
    expect((await changes()).at(-1)).toMatchObject({ kind: 'connection.changed', details: { secret: 'set' } });
  });

  it.each([{ host: 'evil.example' }, { port: 1 }, { user: 'other' }, { sslmode: 'disable' }])(
    'does not let a secret follow to %j',
    async (elsewhere) => {
      await test.define(warehouse({ secret: SECRET }));
      const draft = warehouse({ options: { host: 'db.example', user: 'reader', ...elsewhere } });
      await expect(test.define(draft)).rejects.toMatchObject({ code: 'BAD_INPUT', details: { moved: Object.keys(elsewhere) } });
      expect((await test.define({ ...draft, secret: null })).hasSecret).toBe(false);
      await test.define(warehouse({ secret: SECRET }));
    },
  );

  it('keeps the secret through a change that leads to the same place', async () => {
    await test.define(warehouse({ secret: SECRET }));
    const changed = await test.define(warehouse({ options: { host: 'db.example', user: 'reader', database: 'shop' } }));
    expect(changed).toMatchObject({ hasSecret: true, options: { database: 'shop' } });
  });

  it('does not let options lead a connection elsewhere', async () => {
    await test.define(warehouse({ secret: SECRET }));
    for (const options of [{ host: 'evil.example' }, { port: 1 }, { user: 'x' }, { sslmode: 'disable' as const }]) {
      await expect(test.connections.postgres('warehouse', options)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
    const source = await test.connections.postgres('warehouse', { host: 'db.example', database: 'other' });
    expect(source.address).toBe('postgres://db.example:5432/other');
  });

  it.each([
    [{ name: 'a b' }, 'name'],
    [{ kind: 'oracle' }, 'kind'],
    [{ options: { host: 'x', prot: 1, port: 'y' } }, 'port'],
    [{ options: { host: 'user:pw@x' } }, 'host'],
    [{ options: { host: '' } }, 'host'],
    [{ kind: 's3', name: 's', options: { endpoint: 'ftp://x' } }, 'endpoint'],
    [{ kind: 's3', name: 's', options: { endpoint: 'http://user:pw@x' } }, 'endpoint'],
    [{ secret: '' }, 'secret'],
  ])('refuses %j', async (draft, named) => {
    await expect(test.define(warehouse(draft))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(named),
    });
  });

  it('refuses another kind under the same name', async () => {
    await test.define(warehouse());
    await expect(test.define(warehouse({ kind: 's3', options: {} }))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it('takes an admin to define and drop, and anybody who reads to list', async () => {
    await expect(test.as(EDITOR, (w) => test.connections.define(w, warehouse()))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(test.as(EDITOR, (w) => test.connections.drop(w, 'warehouse'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await test.connections.find({ ...EDITOR, role: 'reader' }, 'warehouse')).toBeDefined();
  });

  it('lists by name, a page at a time', async () => {
    for (const name of ['l-a', 'l-b', 'l-c']) await test.define({ name, kind: 's3', options: {} });
    const names: string[] = [];
    let after: string | undefined;
    for (let more = true; more;) {
      const page = await test.connections.list(ADMIN, { first: 2, after });
      names.push(...page.items.map(({ item }) => item.name));
      after = page.items.at(-1)?.cursor;
      more = page.hasNextPage;
    }
    expect(names.filter((name) => name.startsWith('l-'))).toEqual(['l-a', 'l-b', 'l-c']);
    expect(new Set(names).size).toBe(names.length);
  });

  it('drops a connection and its secret for good, and its name is free again', async () => {
    const made = await test.define({ name: 'gone', kind: 's3', options: { accessKeyId: 'k' }, secret: SECRET });
    await test.as(ADMIN, (w) => test.connections.drop(w, 'gone'));
    expect(await test.connections.find(ADMIN, 'gone')).toBeUndefined();
    const [row] = (await test.t.db.select().from(rows)).filter(({ id }) => id === made.id);
    expect(row).toMatchObject({ secret: null, options: { accessKeyId: 'k' } });
    await expect(test.as(ADMIN, (w) => test.connections.drop(w, 'gone'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await test.define({ name: 'gone', kind: 's3', options: {} })).id).not.toBe(made.id);
  });

  it('opens what a connection leads to, and anew once it leads elsewhere', async () => {
    const [one, two] = [await startFakeS3(new FakeBucket('one')), await startFakeS3(new FakeBucket('two'))];
    one.bucket.put('a', Buffer.from('1'));
    two.bucket.put('a', Buffer.from('22'));
    await test.define({ name: 'moving', kind: 's3', options: { endpoint: one.url, accessKeyId: 'k' }, secret: 's' });
    expect(await (await test.connections.objectStore('s3://one/a', 'moving')).head('s3://one/a')).toMatchObject({ size: 1 });
    await test.define({ name: 'moving', kind: 's3', options: { endpoint: two.url, accessKeyId: 'k' }, secret: 's' });
    expect(await (await test.connections.objectStore('s3://two/a', 'moving')).head('s3://two/a')).toMatchObject({ size: 2 });
    await one.close();
    await two.close();
  });

  it('says which connection is missing, or of the wrong kind', async () => {
    await test.define(warehouse());
    await expect(test.connections.objectStore('s3://bucket/x', 'nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(test.connections.objectStore('s3://bucket/x', 'warehouse')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(test.connections.objectStore('file:///x', 'warehouse')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(test.connections.objectStore('/plain/path')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(CONNECTION_KINDS).toEqual(expect.arrayContaining(['s3', 'postgres', 'dynamodb']));
  });
});

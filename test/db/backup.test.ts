import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backup } from '../../src/db/backup.ts';
import { migrate } from '../../src/db/migrate.ts';
import { newestAge, relationsAt } from '../../src/db/migrations.ts';
import { openDb, type OpenDb } from '../../src/db/open-db.ts';
import { restore } from '../../src/db/restore.ts';
import { openEmptyDb } from '../servers/postgres.ts';
import { ask } from './embedded.ts';

const ODD = String.raw`tab	quote " back\slash \N \. новое 😀` + '\nnew line\r';

let source: OpenDb & { url: string; drop(): Promise<void> };
let file: Buffer;

beforeAll(async () => {
  const { url, close: drop } = await openEmptyDb();
  await migrate(url);
  source = { ...(await openDb({ url })), url, drop };
  await fill(source);
  file = await backedUp();
});
afterAll(async () => {
  await source.close();
  await source.drop();
});

/** A bit of everything: what refers to what, odd letters, arrays with nulls, bytes, JSON, big numbers, long rows. */
async function fill({ pool }: OpenDb): Promise<void> {
  await pool.query("insert into principals values ('p1', 'root', 'admin', 1)");
  await pool.query("insert into tokens values ('t1', 'p1', 'first', 'hash', now())");
  await pool.query("insert into databases values ('d1', 'lake', $1, 'api', $2, 1)", [ODD, { note: ODD }]);
  await pool.query("insert into tables select 't' || n, 'd1', 'table' || n, n from generate_series(1, 2000) n");
  await pool.query("insert into schemas values ('s1', '{\"columns\": []}')");
  await pool.query('insert into manifests values ($1, $2)', ['m1', Buffer.alloc(3_000_000, 7)]);
  await pool.query(
    `insert into partitions (table_id, "values", key, location, owner, rows, files, manifest_hash, stats, added)
     select 't1', array[null, $1, n::text], array[n::text], 's3://b/' || n, 'api', 9007199254740993, 1, 'm1', jsonb_build_object($1::text, jsonb_build_object('min', n::text, 'nulls', 0)), n from generate_series(1, 3000) n`,
    [ODD],
  );
  await pool.query("insert into connections values ('c1', 'warehouse', 'postgres', '{}', $1, 1)", [Buffer.from([0, 1, 255])]);
  await pool.query("select setval('changes_position', 4711)");
}

async function backedUp(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const out = new Writable({ write: (chunk: Buffer, _encoding, done) => (chunks.push(chunk), done()) });
  await backup(source.pool, out);
  return Buffer.concat(chunks);
}

/** A digest of all rows of each table, and the state of all sequences. */
async function contents(url: string): Promise<Record<string, unknown>[]> {
  const { tables } = relationsAt(newestAge());
  const digests = tables.map(
    (name) =>
      `select '${name}' as name, md5(coalesce(string_agg(r::text, ',' order by r::text), '')) as digest from public."${name}" r`,
  );
  return ask(
    url,
    `${digests.join(' union all ')} union all select sequencename, last_value::text from pg_sequences where schemaname = 'public' order by 1`,
  );
}

async function restoredInto(
  prepare: (url: string) => Promise<unknown>,
  bytes: Buffer,
  check: (url: string, restored: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const target = await openEmptyDb();
  try {
    await prepare(target.url);
    const restored = restore(target.url, Readable.from(pieces(bytes)));
    restored.catch(() => {});
    await check(target.url, restored);
  } finally {
    await target.close();
  }
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

const nothing = async () => {};

describe('restore', () => {
  it('gives the same catalog, into an empty database', async () => {
    await restoredInto(nothing, file, async (url, restored) => {
      expect(await restored).toEqual({ tables: relationsAt(newestAge()).tables.length, rows: 5_006 });
      expect(await contents(url)).toEqual(await contents(source.url));
      expect(await migrate(url)).toEqual({ applied: 0 });
    });
  });

  it('gives the same catalog where a first start has written its administrator', async () => {
    const started = async (url: string) => {
      await migrate(url);
      await ask(url, "insert into principals values ('other', 'root', 'admin', 1)");
    };
    await restoredInto(started, file, async (url, restored) => {
      await restored;
      expect(await contents(url)).toEqual(await contents(source.url));
    });
  });

  it('continues every sequence where it was', async () => {
    await restoredInto(nothing, file, async (url, restored) => {
      await restored;
      expect(await ask(url, "select nextval('changes_position')::int as next")).toEqual([{ next: 4712 }]);
      expect(await ask(url, "select nextval(pg_get_serial_sequence('partitions', 'id'))::int as next")).toEqual([
        { next: 3_001 },
      ]);
    });
  });

  it('migrates what an older program wrote', async () => {
    const { when: oldest } = readMeta<{ entries: [{ when: number }] }>('_journal.json').entries[0];
    const first = readMeta<{ tables: Record<string, { name: string; columns: object }> }>('0000_snapshot.json');
    const tables = Object.values(first.tables);
    const empty = tables.flatMap(({ name, columns }) => [
      frame('T', { table: name, columns: Object.keys(columns) }),
      frame('E', { rows: 0 }),
    ]);
    await restoredInto(nothing, sealed([frame('H', { ...header(), migration: oldest }), ...empty]), async (url, restored) => {
      expect(await restored).toEqual({ tables: tables.length, rows: 0 });
      expect(await migrate(url)).toEqual({ applied: 0 });
    });
  });

  it('refuses a catalog that has entries, and leaves it alone', async () => {
    const filled = async (url: string) => {
      await migrate(url);
      await ask(url, "insert into databases values ('d9', 'mine', null, 'api', '{}', 1)");
    };
    await restoredInto(filled, file, async (url, restored) => {
      await expect(restored).rejects.toMatchObject({ code: 'ALREADY_EXISTS', details: { table: 'databases' } });
      expect(await ask(url, 'select name from databases')).toEqual([{ name: 'mine' }]);
    });
  });

  const flipped = (at: number) => Buffer.from(file.map((byte, n) => (n === at ? byte ^ 0x55 : byte)));
  const rewritten = (change: (text: Buffer) => Buffer) => gzipSync(change(gunzipSync(file)), { level: 1 });
  const damages: [string, () => Buffer][] = [
    ['empty', () => Buffer.alloc(0)],
    ['cut in its middle', () => file.subarray(0, file.length / 2)],
    ['cut by one byte', () => file.subarray(0, -1)],
    ['cut before its end, and packed again', () => rewritten((text) => text.subarray(0, -100))],
    ['without its last part', () => rewritten((text) => text.subarray(0, text.lastIndexOf('F\0\0')))],
    ['changed in one byte', () => flipped(Math.floor(file.length / 2))],
    [
      'changed in one value, and packed again',
      () => rewritten((text) => Buffer.from(text.toString('latin1').replace('warehouse', 'warehause'), 'latin1')),
    ],
    ['followed by something', () => rewritten((text) => Buffer.concat([text, Buffer.from('D\0\0\0\0')]))],
    ['no gzip', () => Buffer.from('select 1;\n'.repeat(100))],
    ['another gzip', () => gzipSync('select 1;\n'.repeat(100))],
    [
      'naming a table that is none of ours',
      () => sealed([frame('H', header()), frame('T', { table: 'pg_authid', columns: ['oid'] })]),
    ],
    ['without most tables', () => sealed([frame('H', header()), frame('S', {})])],
  ];
  it.for(damages)('refuses a file that is %s, and changes nothing', async ([, damaged]) => {
    await restoredInto(nothing, damaged(), async (url, restored) => {
      await expect(restored).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
      expect(
        await ask(url, "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')"),
      ).toEqual([]);
    });
  });

  it('refuses what a newer program wrote', async () => {
    for (const newer of [{ formatVersion: 2 }, { migration: newestAge() + 1 }]) {
      await restoredInto(nothing, sealed([frame('H', { ...header(), ...newer })]), async (_url, restored) => {
        await expect(restored).rejects.toMatchObject({ code: 'DATABASE_TOO_NEW', message: expect.stringContaining('9.9.9') });
      });
    }
  });

  it('says what the server refused, and changes nothing', async () => {
    const row = frame('D', Buffer.from('p1\troot\tadmin\tone\n'));
    const bad = sealed([
      frame('H', header()),
      frame('T', { table: 'principals', columns: ['id', 'name', 'role', 'added'] }),
      row,
      frame('E', { rows: 1 }),
    ]);
    await restoredInto(nothing, bad, async (url, restored) => {
      await expect(restored).rejects.toMatchObject({
        code: 'DATA_UNREADABLE',
        message: expect.stringContaining('invalid input syntax for type bigint'),
      });
      expect(await ask(url, "select to_regclass('public.principals') as found")).toEqual([{ found: null }]);
    });
  });

  it('says what the server refused also when more comes after it', async () => {
    const rows = Array.from({ length: 200 }, (_, n) =>
      frame('D', Buffer.from(`p${n}\t${randomBytes(2_000).toString('hex')}\tadmin\tone\n`)),
    );
    const table = frame('T', { table: 'principals', columns: ['id', 'name', 'role', 'added'] });
    const bad = sealed([frame('H', header()), table, ...rows, frame('E', { rows: 200 })]);
    const slowly = async function* (): AsyncGenerator<Buffer> {
      for (const piece of pieces(bad)) {
        yield piece;
        await sleep(5);
      }
    };
    const target = await openEmptyDb();
    const restored = restore(target.url, Readable.from(slowly()));
    await expect(restored).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
      message: expect.stringContaining('invalid input syntax for type bigint'),
    });
    await target.close();
  });
});

describe('backup', () => {
  it('is of one moment, though others write meanwhile', async () => {
    let writing: Promise<unknown> | undefined;
    const chunks: Buffer[] = [];
    const out = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk);
        writing ??= source.pool.query(
          "insert into runs (id, kind, name, state, params, principal_id, created_at) values ('late', 'job', 'x', 'QUEUED', '{}', 'p1', now())",
        );
        void writing.finally(done);
      },
    });
    await backup(source.pool, out);
    await source.pool.query("delete from runs where id = 'late'");
    await restoredInto(nothing, Buffer.concat(chunks), async (url, restored) => {
      await restored;
      expect(await ask(url, 'select from runs')).toEqual([]);
    });
  });

  it('says so when the disk is full, and gives its connection up', async () => {
    const full = () =>
      new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('no space'), { code: 'ENOSPC' })) });
    const { pool, close } = await openDb({ url: source.url, max: 1 });
    await expect(backup(pool, full())).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await close();
  });
});

function readMeta<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../migrations/meta/${name}`, import.meta.url), 'utf8')) as T;
}

function header(): Record<string, unknown> {
  return { format: 'tenon-backup', formatVersion: 1, migration: newestAge(), tenon: '9.9.9', at: '2026-11-20T12:00:00Z' };
}

function frame(kind: string, value: unknown): Buffer {
  const payload = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  const head = Buffer.alloc(5);
  head.write(kind);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** Frames with a right ending, as one who wants to mislead us would make them. */
function sealed(frames: readonly Buffer[]): Buffer {
  const text = Buffer.concat(frames);
  return gzipSync(Buffer.concat([text, frame('F', { sha256: createHash('sha256').update(text).digest('hex') })]));
}

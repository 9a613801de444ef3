import { closeSync, openSync, writeSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { connect } from '../../src/db/open-db.ts';
import { serve, type Serving } from '../cli/tenon.ts';
import { SKIPS } from '../servers/allowed-skips.ts';
import { ask, tenon, withFolder } from './command.ts';
import { layOrders, ordersOf } from './orders.ts';
import { mountSmallDisk } from './small-disk.ts';

const CSV = 'id,name\n1,a\n2,b\n';
/** Folders and files are named so; `p<i>/k=<name>/<name>.csv` and `t<i>/x<name>/x y.csv`. */
const NAMES = [
  `quote'"s`,
  'a b',
  'k..',
  'new\nline',
  'ünï çödé 日本 😀',
  '%2F',
  '`$(id)`',
  'back\\slash',
  'q?a#c',
  'e\u001b[31mred',
];
const COLUMN = '"; drop table x; --';

interface Crawl {
  readonly run: { readonly unknowns: { path: string; code: string; message: string }[]; readonly skipped: object[] };
}
interface Refusal {
  readonly error: { readonly code: string; readonly message: string };
}
interface Tables {
  readonly tables: { readonly name: string; readonly columns: { name: string }[] }[];
}

let folder: string;
let data: string;
let server: Serving;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-hostile-'));
  await chmod(folder, 0o755);
  data = join(folder, 'data');
  server = await serve(data);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const on = (...args: string[]): string[] => [...args, '--data', data];

/** The error of a command that fails, told once as a document and once to a person, without a stack trace either way. */
async function refusal(args: readonly string[], env: Record<string, string> = {}): Promise<Refusal['error']> {
  const outcome = await tenon([...args, '--json'], { env });
  expect([outcome.code, stackOf(outcome.stdout + outcome.stderr)], outcome.stdout + outcome.stderr).toEqual([1, undefined]);
  return (JSON.parse(outcome.stdout) as Refusal).error;
}

function stackOf(text: string): string | undefined {
  return /^.*(\n|\\n) +at .*$/m.exec(text)?.[0] ?? /node:internal.*/.exec(text)?.[0];
}

describe('a lake full of traps', () => {
  let lake: string;

  async function put(path: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(join(lake, path)), { recursive: true });
    await writeFile(join(lake, path), content);
  }

  beforeAll(async () => {
    lake = join(folder, 'lake');
    const parquet = await readFile(join(import.meta.dirname, '../fixtures/parquet/types.parquet'));
    await put('good/x.csv', CSV);
    await put('empty/x.csv', '');
    await put('empty/x.parquet', '');
    await put('truncated/x.parquet', parquet.subarray(0, parquet.length - 100));
    await put('names/x.csv', `id,"""; drop table x; --"\n1,2\n`);
    await mkdir(join(lake, 'unclosed'));
    writeUnclosed(join(lake, 'unclosed', 'x.csv'));
    for (const [i, name] of NAMES.entries()) {
      await put(`p${i}/k=${name}/${name}.csv`, CSV);
      await put(`t${i}/x${name}/x y.csv`, CSV);
    }
  });

  it('is crawled in no time; each file that cannot be read is named, and nothing else is lost', async () => {
    const since = Date.now();
    const { run } = await ask<Crawl>(on('crawl', lake, '--database', 'lake'), { expect: 3 });
    expect(Date.now() - since).toBeLessThan(20_000);
    expect(run).toMatchObject({ state: 'INCOMPLETE', tables: 2 + 2 * NAMES.length, unknown: 2, removed: 0 });
    expect(run.unknowns.map(({ path, code }) => [path, code])).toEqual([
      ['truncated/x.parquet', 'DATA_UNREADABLE'],
      ['unclosed/x.csv', 'DATA_UNREADABLE'],
    ]);
    expect(run.unknowns[1]?.message).toContain('line 3');
    expect(run.skipped).toEqual(['empty/x.csv', 'empty/x.parquet'].map((path) => ({ path, reason: 'empty' })));
  }, 60_000);

  it('takes little memory for it', async () => {
    // Of the server that crawled, not of this client.
    const text = await (await fetch(`${server.address}/metrics`)).text();
    const bytes = Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(400 * 1024 * 1024);
  });

  it('keeps every name as it is, and reads by it', async () => {
    const keys = NAMES.map((_, i) => `select k, id, name from lake.p${i}`).join(' union all ');
    const { rows } = await ask<{ rows: unknown[][] }>(on('sql', keys));
    // Hive writes a slash in a value as %2F.
    const values = NAMES.map((name) => name.replace('%2F', '/'));
    expect(rows.toSorted()).toEqual(
      values
        .flatMap((name) => [
          [name, 1, 'a'],
          [name, 2, 'b'],
        ])
        .toSorted(),
    );
    const { tables } = await ask<Tables>(on('tables', '--limit', '200'));
    const plain = tables.filter(({ columns }) => columns.length === 2 && columns[1]?.name === 'name').map(({ name }) => name);
    const all = plain.map((name) => `select id from lake."${name}"`).join(' union all ');
    expect(await ask(on('sql', `select count(*), sum(id) from (${all})`))).toMatchObject({
      rows: [[plain.length * 2, plain.length * 3]],
    });
  }, 30_000);

  it('has a column that is called like an attack, which SQL selects like any other', async () => {
    expect(await ask(on('sql', `select id, "${COLUMN.replace('"', '""')}" from lake.names`))).toEqual({
      columns: [
        { name: 'id', type: 'bigint' },
        { name: COLUMN, type: 'bigint' },
      ],
      rows: [[1, 2]],
    });
  });

  it('sends no escape sequence to a terminal', async () => {
    for (const args of [
      ['tables'],
      ['table', 'lake.p9'],
      ['sql', 'select * from lake.p9'],
      ['crawl', lake, '--database', 'lake'],
    ]) {
      const { stdout, stderr } = await tenon(on(...args));
      expect(stdout + stderr, args.join(' ')).not.toContain('\u001b');
    }
  }, 30_000);
});

/** A CSV of more than 100 MB whose quote is never closed. */
function writeUnclosed(path: string): void {
  const file = openSync(path, 'w');
  writeSync(file, 'id,name\n1,a\n2,"never closed\n');
  const rows = Buffer.from('3,c\n'.repeat(1 << 18));
  for (let i = 0; i < 101; i += 1) writeSync(file, rows);
  closeSync(file);
}

describe('a source', () => {
  it('that vanishes in mid-crawl loses nothing, and is found again', async () => {
    await withFolder(async (own) => {
      const [lake, gone] = [join(own, 'lake'), join(own, 'gone')];
      for (let table = 0; table < 60; table += 1) {
        await mkdir(join(lake, `t${table}`), { recursive: true });
        for (let file = 0; file < 40; file += 1) await writeFile(join(lake, `t${table}`, `${file}.csv`), CSV);
      }
      const crawl = ['crawl', lake, '--database', 'lake', '--data', join(own, 'data')];
      expect(await ask<Crawl>(crawl)).toMatchObject({ run: { tables: 60, objects: 2400 } });
      for (let table = 0; table < 60; table += 1) await writeFile(join(lake, `t${table}`, 'new.csv'), CSV);
      const cut = await tenon([...crawl, '--json'], { renameAt: { label: 'crawl.table-closed', from: lake, to: gone } });
      expect([cut.code === 1 || cut.code === 3, stackOf(cut.stdout + cut.stderr)], cut.stdout).toEqual([true, undefined]);
      const { tables } = await ask<Tables>(['tables', '--limit', '500', '--data', join(own, 'data')]);
      expect(tables).toHaveLength(60);
      await rename(gone, lake);
      expect(await ask<Crawl>(crawl)).toMatchObject({ run: { state: 'SUCCEEDED', tables: 60, objects: 2460, removed: 0 } });
    });
  }, 120_000);

  it('that refuses the password is named, the password is not, and what is known of it stays', async () => {
    const hba = join(folder, 'hba');
    await writeFile(hba, 'local all guest scram-sha-256\nlocal all all trust\n');
    const source = await openEmbeddedPostgres(join(folder, 'source'), { settings: { fsync: 'off', hba_file: hba } });
    try {
      const client = await connect(source.url);
      await client.query(
        `create role guest login password 'right-secret'; create table visits (id int); grant select on visits to guest`,
      );
      await client.end();
      const url = (password: string): string => Object.assign(new URL(source.url), { username: 'guest', password }).href;
      const crawl = (password: string): string[] => on('crawl', url(password), '--database', 'shop', '--name', 'shop');
      expect(await ask<Crawl>(crawl('right-secret'))).toMatchObject({ run: { state: 'SUCCEEDED', tables: 1 } });
      const error = await refusal(crawl('wrong-secret'));
      expect(error.code).toBe('SOURCE_DENIED');
      expect(JSON.stringify(error)).not.toMatch(/(right|wrong)-secret/);
      expect((await ask<Tables>(on('tables', '--database', 'shop'))).tables.map(({ name }) => name)).toEqual(['visits']);
    } finally {
      await source.close();
    }
  }, 60_000);

  it.each([
    ['./nowhere', 'SOURCE_UNAVAILABLE'],
    ['nowhere', 'NOT_FOUND'],
    ['ftp://host/x', 'BAD_INPUT'],
    ['s3://', 'BAD_INPUT'],
    ['postgres://guest:secret@127.0.0.1:1/db', 'SOURCE_UNAVAILABLE'],
  ])('that is none, %s, is refused', async (source, code) => {
    expect(await refusal(on('crawl', source))).toMatchObject({ code });
  });
});

describe('SQL', () => {
  it.each([
    [`select * from read_csv('/etc/passwd')`, 'BAD_SQL', 'read_csv'],
    [`select * from '/etc/passwd'`, 'NOT_FOUND', '/etc/passwd'],
    [`select * from read_text('/etc/pass' || 'wd')`, 'BAD_SQL', 'read_text'],
    [`copy (select 1) to '/tmp/tenon-was-here'`, 'BAD_SQL', 'Only a SELECT'],
    [`attach '/tmp/tenon-was-here'`, 'BAD_SQL', 'Only a SELECT'],
    ['select 1; select 2', 'BAD_SQL', 'one SELECT'],
    ['selekt 1', 'BAD_SQL', 'selekt'],
    ['', 'BAD_SQL', 'one SELECT'],
  ])('is kept from what is not its own: %s', async (query, code, names) => {
    const error = await refusal(on('sql', query));
    expect(error.code).toBe(code);
    expect(error.message).toContain(names);
  });

  it('that is wrong is refused in a job before anything is written', async () => {
    await layOrders(join(folder, 'orders-lake'), '2026-11-18', 'a.csv', ordersOf(1, 3));
    await ask<Crawl>(on('crawl', join(folder, 'orders-lake'), '--database', 'shop'));
    const job = {
      name: 'wrong',
      inputs: { orders: { table: 'shop.orders' } },
      steps: [{ name: 'result', sql: 'select nothing_of_this_name from orders' }],
      output: { table: 'shop.wrong', location: join(folder, 'out'), mode: 'append', format: 'parquet' },
    };
    await writeFile(join(folder, 'wrong.json'), JSON.stringify(job));
    const error = await refusal(on('job', 'run', join(folder, 'wrong.json')));
    expect(['BAD_SQL', 'BAD_JOB']).toContain(error.code);
    expect(error.message).toContain('nothing_of_this_name');
    const { tables } = await ask<Tables>(on('tables', '--database', 'shop'));
    expect(tables.map(({ name }) => name)).not.toContain('wrong');
  });
});

describe('a data directory', () => {
  it('that cannot be written is named', async ({ skip }) => {
    await writeFile(join(folder, 'a-file'), '');
    expect(await refusal(['tables', '--data', join(folder, 'a-file')])).toMatchObject({ code: 'DATA_DIRECTORY' });
    const disk = await mountSmallDisk(1, { readOnly: true });
    if (disk === undefined) return skip(SKIPS.noTmpfs);
    try {
      for (const path of [disk.folder, join(disk.folder, 'sub')])
        expect(await refusal(['tables', '--data', path])).toMatchObject({ code: 'DATA_DIRECTORY' });
    } finally {
      await disk.unmount();
    }
  }, 60_000);
});

describe('a command line', () => {
  it('with a port that is taken says so', async () => {
    const { port } = new URL(server.address);
    const error = await refusal(['serve', '--port', port, '--data', join(folder, 'another')]);
    expect(error).toMatchObject({ code: 'BAD_CONFIG' });
    expect(error.message).toContain('EADDRINUSE');
  }, 60_000);

  it.each([
    ['no such command', ['no-such-command']],
    ['a limit that is no number', ['tables', '--limit', 'nonsense']],
    ['a limit of rows that is no number', ['sql', '--limit', 'nonsense', 'select 1']],
    ['an option that is none', ['crawl', '--nonsense', '.']],
    ['nothing to look at', ['table']],
    ['an empty data directory', ['tables', '--data', '']],
  ])('with %s ends with 2, and a word on stderr', async (_what, args) => {
    const { code, stdout, stderr } = await tenon([...args, '--json'], {});
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: /);
    expect(stackOf(stderr)).toBeUndefined();
  });
});

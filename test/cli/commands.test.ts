import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { duckdb } from '../crawl/duckdb.ts';
import { until } from '../until.ts';
import { run, serve, start, type Ended, type Serving } from './tenon.ts';

let folder: string;
let data: string;
let lake: string;
let server: Serving;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-cli-'));
  data = join(folder, 'data');
  lake = join(folder, 'lake');
  await layOrders('2026-01-01', 'id,email,amount\n1,a@x.example,10.5\n2,b@x.example,3\n');
  await layOrders('2026-01-02', 'id,email,amount\n3,c@x.example,7\n');
  server = await serve(data);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function layOrders(dt: string, text: string): Promise<void> {
  await mkdir(join(lake, 'orders', `dt=${dt}`), { recursive: true });
  await writeFile(join(lake, 'orders', `dt=${dt}`, 'orders.csv'), text);
}

const tenon = (...args: string[]): Promise<Ended> => run([...args, '--data', data]);

/** What --json prints, which has to be all of stdout. */
async function json<T = Record<string, unknown>>(args: string[], code = 0): Promise<T> {
  const ended = await tenon(...args, '--json');
  expect(ended.code, `${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toBe(code);
  expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
  return JSON.parse(ended.stdout) as T;
}

describe('the command line', () => {
  it('prints where it serves, and the admin’s token once, which is kept for the local user', async () => {
    const token = (await readFile(join(data, 'admin-token'), 'utf8')).trim();
    expect(server.stdout()).toContain(`Tenon serves on ${server.address}`);
    // It comes after the address, perhaps in a piece of output of its own.
    await until('the token is printed', () => server.stdout().includes(token));
    expect((await stat(join(data, 'admin-token'))).mode & 0o777).toBe(0o600);
    const answer = await fetch(`${server.address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: '{"query":"{ me { name role } }"}',
    });
    expect(await answer.json()).toEqual({ data: { me: { name: 'admin', role: 'ADMIN' } } });
  });

  it('tells of crawlers and their crawls, by state and time, with a bill and what it would be on Glue', async () => {
    const source = join(folder, 'budgeted');
    for (const name of ['a', 'b', 'c']) {
      await mkdir(join(source, name), { recursive: true });
      await writeFile(join(source, name, 'x.csv'), 'id,amount\n1,2.5\n');
    }
    const crawl = ['crawl', source, '--database', 'budgeted', '--name', 'Budgeted'];
    type Crawled = { run: { id: string; state: string; unknown: number; bill: Record<string, unknown> } };
    const { run: first } = await json<Crawled>([...crawl, '--budget', '2'], 3);
    expect(first).toMatchObject({ state: 'INCOMPLETE', bill: { gets: 0, queries: 0, rows: 0, capacityUnits: 0 } });
    expect(first.bill['glue']).toMatchObject({ usd: 0.146667, dpuHours: 0.333333 });
    const { stdout } = await tenon(...crawl);
    expect(stdout).toMatch(
      /cost: \d+ listings, 3 reads, .* s\non Glue: \$0\.15 \(2 DPUs at \$0\.44 an hour, 10 minutes at least/,
    );

    type Runs = { runs: { id: string; state: string }[]; next?: string };
    const runs = (...args: string[]) => json<Runs>(['runs', '--crawler', 'budgeted', ...args]);
    const all = (await runs()).runs;
    expect(all.map(({ state }) => state)).toEqual(['SUCCEEDED', 'INCOMPLETE']);
    expect((await runs('--state', 'incomplete', 'FAILED')).runs.map(({ id }) => id)).toEqual([first.id]);
    expect((await runs('--since', '2001-01-01', '--until', '2001-01-02')).runs).toEqual([]);
    expect((await runs('--since', '2001-01-01', '--min-seconds', '3600')).runs).toEqual([]);
    const page = await runs('--limit', '1');
    expect((await runs('--limit', '1', '--after', page.next ?? '')).runs).toEqual(all.slice(1));
    expect((await tenon('runs', '--since', 'yesterday')).code).toBe(2);

    const { crawlers } = await json<{ crawlers: { name: string }[] }>(['crawlers']);
    const found = crawlers.find(({ name }) => name === 'budgeted');
    expect(found).toMatchObject({ kind: 'file', database: 'budgeted', state: 'READY', lastRun: { state: 'SUCCEEDED' } });
    expect((await tenon('crawlers')).stdout).toContain('budgeted');
  });

  it('parks a mass removal, shows it, and removes just that when it is approved', async () => {
    const other = join(folder, 'shrinking');
    const place = (i: number): string => join(other, 'days', `n=${i}`);
    for (let i = 0; i < 15; i += 1) {
      await mkdir(place(i), { recursive: true });
      await writeFile(join(place(i), 'x.csv'), i === 14 ? 'id,name,more\n1,a,2\n' : 'id,name\n1,a\n2,b\n');
    }
    await json(['crawl', other, '--database', 'shrinking']);
    expect((await tenon('table', 'shrinking.days', '--deviating')).stdout).toContain('-more');
    const { table } = await json<{ table: { partitions: object[] } }>([
      'table',
      'shrinking.days',
      '--deviating',
      '--partitions',
      'n < 2',
    ]);
    const diff = [{ kind: 'REMOVED', path: 'more', before: 'bigint', after: null }];
    expect(table.partitions).toMatchObject([
      { values: { n: '0' }, diff },
      { values: { n: '1' }, diff },
    ]);

    expect((await tenon('removals')).stdout).toContain('No removal waits.');
    for (let i = 0; i < 12; i += 1) await rm(place(i), { recursive: true });
    const { run: parked } = await json<{ run: { parked: { removal: string } } }>(['crawl', other, '--database', 'shrinking'], 3);
    const id = parked.parked.removal;
    const { removals } = await json<{ removals: object[] }>(['removals']);
    expect(removals).toMatchObject([{ id, state: 'PARKED', tables: 0, partitions: 12 }]);
    const shown = await tenon('removals', 'show', id);
    expect(shown.stdout).toContain('n=11');
    expect(await json(['removals', 'approve', id])).toMatchObject({ removed: { tables: 0, partitions: 12, kept: 0 } });
    expect((await json<{ error: { code: string } }>(['removals', 'reject', id], 1)).error.code).toBe('CONFLICT');
    expect((await tenon('removals', 'list', '--all')).stdout).toContain('APPROVED');
    const { run: again } = await json<{ run: object }>(['crawl', other, '--database', 'shrinking']);
    expect(again).toMatchObject({ state: 'SUCCEEDED', partitions: 3, partitionsRemoved: 0 });
  });

  it('defines a crawler by its flags, and refuses them for one that is defined already', async () => {
    const flags = ['--exclude', 'tmp/**', '**.bak', '--prefix', 'x_', '--setting', 'tableThreshold=7', 'updateBehavior=merge'];
    const { run: crawl } = await json<{ run: Record<string, unknown> }>([
      'crawl',
      lake,
      '--database',
      'flags',
      '--name',
      'flags',
      ...flags,
    ]);
    expect(crawl).toMatchObject({ state: 'SUCCEEDED', tables: 1, logged: 0 });
    const { tables } = await json<{ tables: { name: string }[] }>(['tables', '--database', 'flags']);
    expect(tables.map(({ name }) => name)).toEqual(['x_orders']);
    const { table } = await json<{ table: { parameters: unknown } }>(['table', 'flags.x_orders']);
    expect(table.parameters).toEqual({ exclusions: '["tmp/**","**.bak"]' });
    const wrong = await json<{ error: { message: string } }>(['crawl', 'flags', '--grouping', 'glue'], 1);
    expect(wrong.error.message).toMatch(/--grouping belong/);
    const unknown = await json<{ error: { message: string } }>(['crawl', lake, '--name', 'other', '--grouping', 'none'], 1);
    expect(unknown.error.message).toMatch(/grouping: /);
  });

  it('shows what footers say about the columns of a partition', async () => {
    const root = await mkdtemp(join(tmpdir(), 'tenon-footers-'));
    try {
      for (const n of [1, 2]) {
        await mkdir(join(root, 'sales', `n=${n}`), { recursive: true });
        const file = join(root, 'sales', `n=${n}`, 'a.parquet');
        await (await duckdb()).run(`copy (select unnest([${n}, null, ${n}0]) as id) to '${file}' (format parquet)`);
      }
      await json(['crawl', root, '--database', 'footers', '--setting', 'inventory=footers']);
      const { table } = await json<{ table: { partitions: object[] } }>(['table', 'footers.sales', '--partitions', 'n = 2']);
      expect(table.partitions).toMatchObject([{ values: { n: '2' }, rows: 3, stats: { id: { min: '2', max: '20', nulls: 1 } } }]);
    } finally {
      await rm(root, { recursive: true });
    }
  });

  it('crawls a folder, and changes nothing when it is crawled again', async () => {
    const first = await json<{ run: Record<string, unknown> }>(['crawl', lake, '--database', 'lake']);
    expect(first.run).toMatchObject({
      state: 'SUCCEEDED',
      tables: 1,
      partitions: 2,
      objects: 2,
      added: 1,
      changed: 0,
      removed: 0,
      unknown: 0,
    });
    expect(first.run).toHaveProperty('bill');
    expect(first.run['id']).toMatch(/^[0-9a-f-]{36}$/);
    const again = await json<{ run: Record<string, unknown> }>(['crawl', `file://${lake}`, '--database', 'lake']);
    expect(again.run).toMatchObject({ added: 0, changed: 0, removed: 0 });
    expect(again.run['crawler']).toBe(first.run['crawler']);
    const byName = await json<{ run: Record<string, unknown> }>(['crawl', String(first.run['crawler'])]);
    expect(byName.run).toMatchObject({ state: 'SUCCEEDED', added: 0 });
  });

  it('lists tables and shows one', async () => {
    const expected = {
      database: 'lake',
      name: 'orders',
      type: 'table',
      format: 'csv',
      location: expect.stringContaining('/lake/orders') as string,
      version: 1,
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'email', type: 'string' },
        { name: 'amount', type: 'double' },
      ],
      partitionKeys: [{ name: 'dt', type: 'date' }],
    };
    expect(await json(['tables', '--database', 'lake'])).toEqual({ tables: [expected] });
    const { table } = await json<{ table: { partitions: object[] } }>([
      'table',
      'lake.orders',
      '--partitions',
      "dt >= '2026-01-02'",
    ]);
    expect(table).toMatchObject({ ...expected, parameters: {} });
    expect(table.partitions).toEqual([
      expect.objectContaining({
        values: { dt: '2026-01-02' },
        bytes: 32,
        files: 1,
        location: expect.stringContaining('dt=2026-01-02') as string,
      }),
    ]);
    expect((await tenon('tables')).stdout).toMatch(/lake\.orders +csv +1 +3 +dt date/);
  });

  it('shows what a new version changed', async () => {
    await layOrders('2026-01-03', 'id,email,amount,country\n4,d@x.example,1,FR\n');
    await json(['crawl', lake, '--database', 'lake']);
    const { diff } = await json<{ diff: { changes: object[] } }>(['diff', 'lake.orders', '1', '2']);
    expect(diff).toMatchObject({ from: 1, to: 2, compatibility: 'FULL' });
    expect(diff.changes).toEqual([expect.objectContaining({ kind: 'added', path: 'country', before: null, after: 'string' })]);
    expect((await json<{ table: { columns: object[] } }>(['table', 'lake.orders', '--version', '1'])).table.columns).toHaveLength(
      3,
    );
  });

  it('searches, and says why', async () => {
    const { hits } = await until('the index follows', async () => {
      const found = await json<{ hits: { name: string; kind: string; why: unknown[] }[] }>(['search', 'emial']);
      return found.hits.length > 0 && found;
    });
    expect(hits[0]).toMatchObject({ kind: 'column', name: 'lake.orders.email' });
    expect(hits[0]?.why).not.toEqual([]);
  });

  it('adds, lists and drops classifiers, and crawls with them', async () => {
    const source = join(folder, 'app');
    await mkdir(source, { recursive: true });
    await writeFile(join(source, 'app.txt'), 'GET /a 17\nPUT /b 18\n');
    const pattern = '%{WORD:verb} %{URIPATH:path} %{INT:ms:int}';
    const added = await json(['classifier', 'add', 'App', 'grok', '--option', `pattern=${pattern}`, 'classification=app']);
    expect(added).toMatchObject({ classifier: { name: 'app', kind: 'grok', options: { pattern, classification: 'app' } } });
    expect(await json(['classifier', 'list'])).toMatchObject({ classifiers: [{ name: 'app' }] });
    await json(['crawl', source, '--database', 'apps', '--classifier', 'app']);
    const { tables } = await json<{ tables: object[] }>(['tables', '--database', 'apps']);
    expect(tables).toMatchObject([{ format: 'app', columns: [{ name: 'verb' }, { name: 'path' }, { name: 'ms', type: 'int' }] }]);
    await json(['classifier', 'drop', 'app']);
    const failed = await json<{ error: { code: string } }>(['crawl', source, '--database', 'apps', '--classifier', 'app'], 1);
    expect(failed.error.code).toBe('NOT_FOUND');
  });

  it('answers SQL', async () => {
    const { columns, rows } = await json<{ columns: object[]; rows: unknown[][] }>([
      'sql',
      'select dt, sum(amount) as total from lake.orders group by dt order by dt',
    ]);
    expect(columns).toEqual([
      { name: 'dt', type: 'date' },
      { name: 'total', type: 'double' },
    ]);
    expect(rows).toEqual([
      ['2026-01-01', 13.5],
      ['2026-01-02', 7],
      ['2026-01-03', 1],
    ]);
    expect((await tenon('sql', 'select 1 as one')).stdout).toMatch(/one\n─+\n +1/);
  });

  it('runs a job from a file, reads only what is new the next time, and refuses what no longer fits', async () => {
    const file = join(folder, 'copy.json');
    await writeFile(
      file,
      JSON.stringify({
        name: 'copy',
        inputs: { orders: { table: 'lake.orders' } },
        bookmark: true,
        steps: [{ name: 'copy', sql: 'select id, email, dt from orders' }],
        output: { table: 'lake.copy', location: '${OUT}', partitionBy: ['dt'] },
      }),
    );
    const missing = await json<{ error: { code: string; message: string } }>(['job', 'run', file], 1);
    expect(missing.error.code).toBe('BAD_JOB');
    expect(missing.error.message).toContain('OUT');
    const out = join(folder, 'out');
    const first = await json<{ run: object }>(['job', 'run', file, '--param', `OUT=${out}`]);
    expect(first.run).toMatchObject({
      job: 'copy',
      state: 'SUCCEEDED',
      inputs: [{ table: 'lake.orders' }],
      outputs: [{ table: 'lake.copy', rows: 4 }],
    });
    const ended = await run(['job', 'run', 'copy', '--json', '--data', data], { env: { OUT: out } });
    expect(JSON.parse(ended.stdout)).toMatchObject({ run: { state: 'SUCCEEDED', outputs: [{ rows: 0 }] } });

    for (const dt of ['2026-01-01', '2026-01-02', '2026-01-03']) await layOrders(dt, 'id,mail\n1,a@x.example\n');
    await json(['crawl', lake, '--database', 'lake']);
    const blocked = await json<{ run: { state: string; error: object } }>(['job', 'run', 'copy', '--param', `OUT=${out}`], 3);
    expect(blocked.run).toMatchObject({ state: 'BLOCKED', error: { code: 'BLOCKED' } });
    const shown = await tenon('job', 'run', 'copy', '--param', `OUT=${out}`);
    expect([shown.code, shown.stdout]).toEqual([3, expect.stringMatching(/removed +email/)]);
    expect((await json<{ jobs: object[] }>(['job', 'list'])).jobs).toEqual([
      expect.objectContaining({ name: 'copy', parameters: ['OUT'] }),
    ]);
    const { runs } = await json<{ runs: { id: string; state: string }[] }>(['run', 'list', '--limit', '1']);
    expect(runs[0]?.state).toBe('BLOCKED');
    expect(await json(['run', 'show', runs[0]?.id ?? ''])).toMatchObject({ run: { state: 'BLOCKED' } });
  });

  it('shows the log, and follows it line by line', async () => {
    const { changes } = await json<{
      changes: { position: string; kind: string; database: string; table: string; by: object }[];
    }>(['changes', '--table', 'lake.orders']);
    expect(changes[0]).toMatchObject({ kind: 'table.created', database: 'lake', table: 'orders', by: { principal: 'admin' } });
    const following = start(['changes', '--follow', '--json', '--after', changes[0]?.position ?? '', '--data', data]);
    try {
      const lines = await until('what came later', () => {
        const found = following.stdout().trimEnd().split('\n');
        return found.length >= 2 && found;
      });
      expect(lines.map((line) => Number((JSON.parse(line) as { position: string }).position))).toEqual(
        lines.map((_, index) => Number(changes[0]?.position) + 1 + index),
      );
    } finally {
      following.process.kill('SIGINT');
    }
    expect((await following.ended).code).toBe(0);
  });

  it('speaks to a server elsewhere by its URL and a token', async () => {
    const { token } = (await json<{ token: { token: string } }>(['token', 'create', 'guest', '--role', 'reader'])).token;
    const env = { TENON_URL: server.address, TENON_TOKEN: token };
    const listed = await run(['tables', '--json'], { env });
    expect(JSON.parse(listed.stdout)).toHaveProperty('tables');
    const refused = await run(['crawl', lake, '--json'], { env });
    expect([refused.code, (JSON.parse(refused.stdout) as { error: { code: string } }).error.code]).toEqual([1, 'FORBIDDEN']);
    const nobody = await run(['tables', '--json'], { env: { ...env, TENON_TOKEN: 'no' } });
    expect((JSON.parse(nobody.stdout) as { error: { code: string } }).error.code).toBe('UNAUTHENTICATED');
  });
});

describe('exit codes', () => {
  it('are 1 for what failed, with the error as a document', async () => {
    expect(await json(['table', 'lake.nothing'], 1)).toMatchObject({
      error: { code: 'NOT_FOUND', message: expect.any(String) as string, details: {} },
    });
    const { code, stdout, stderr } = await tenon('table', 'lake.nothing');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('NOT_FOUND');
    expect(stderr).not.toMatch(/\n +at /);
    expect((await json<{ error: { code: string } }>(['sql', 'selekt'], 1)).error.code).toBe('BAD_SQL');
  });

  it('are 2 for wrong usage', async () => {
    for (const args of [['nonsense'], ['tables', '--nonsense'], ['table'], ['tables', '--limit', 'many']])
      expect((await tenon(...args)).code, args.join(' ')).toBe(2);
  });

  it('are 3 for a crawl that could not read all', async () => {
    await mkdir(join(folder, 'odd', 'broken'), { recursive: true });
    await writeFile(join(folder, 'odd', 'broken', 'x.parquet'), 'PAR1 but nothing more');
    const { run: crawl } = await json<{ run: { unknowns: object[] } }>(['crawl', join(folder, 'odd'), '--database', 'odd'], 3);
    expect(crawl).toMatchObject({ state: 'INCOMPLETE', unknown: 1 });
  });

  it('are 0 for help, which has an example for every command', async () => {
    const { stdout, code } = await run(['--help']);
    expect(code).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map((match) => match[1] ?? '').filter((name) => name !== 'help');
    expect(commands).toEqual(
      expect.arrayContaining([
        'serve',
        'crawl',
        'tables',
        'table',
        'diff',
        'search',
        'sql',
        'job',
        'run',
        'changes',
        'connection',
        'backup',
        'restore',
        'token',
        'clean-up',
      ]),
    );
    for (const [words, text] of await Promise.all(
      ['crawl', 'sql', 'changes', 'backup'].map(async (name) => [name, (await run([name, '--help'])).stdout] as const),
    ))
      expect(text, words).toMatch(/Examples?:\n {2}tenon /);
  });

  it('are 0 when the reader of a pipe goes away', async () => {
    const { spawn } = await import('node:child_process');
    const shell = spawn('sh', ['-c', `"$0" dist/bin/main.js changes --data "$1" | head -c 1; echo`, process.execPath, data], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await new Promise((resolve) => shell.on('close', resolve));
    expect(stderr).toBe('');
  });
});

describe('a backup', () => {
  it('brings the catalog back in another directory', async () => {
    const file = join(folder, 'catalog.backup');
    expect(await json(['backup', file])).toMatchObject({ backup: { file } });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const other = join(folder, 'restored');
    const restored = await run(['restore', file, '--json', '--data', other]);
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    const before = await json<{ tables: object[] }>(['tables']);
    await writeFile(join(other, 'admin-token'), await readFile(join(data, 'admin-token')), { mode: 0o600 });
    expect(JSON.parse((await run(['tables', '--json', '--data', other])).stdout)).toEqual(before);
    const onto = await run(['restore', file, '--json', '--data', other]);
    expect([onto.code, (JSON.parse(onto.stdout) as { error: { code: string } }).error.code]).toEqual([1, 'ALREADY_EXISTS']);
  }, 60_000);
});

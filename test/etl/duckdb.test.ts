import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineSession } from '../../src/etl/engine.ts';
import { createDuckdbEngine } from '../../src/etl/engines/duckdb.ts';
import { columns, CSV, describeEngine } from '../contract/engine.ts';
import { describeTextReading } from '../contract/engine-text.ts';

describeEngine({ name: 'duckdb', open: createDuckdbEngine });
describeTextReading({ name: 'duckdb', open: createDuckdbEngine });

describe('the duckdb child', () => {
  let folder: string;
  let session: EngineSession;

  beforeAll(() => {
    process.env['TENON_TEST_SECRET'] = 'do-not-tell';
    folder = mkdtempSync(join(tmpdir(), 'tenon-duckdb-'));
    mkdirSync(join(folder, 'run'));
    mkdirSync(join(folder, 'out'));
    writeFileSync(join(folder, 'secret.csv'), 'a\nsecret\n');
    session = createDuckdbEngine().open({ folder: join(folder, 'run'), memoryLimit: '256MB', threads: 1, timeoutMs: 600_000 });
  });
  afterAll(async () => {
    delete process.env['TENON_TEST_SECRET'];
    await session.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const escapes = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('FOLDER/secret.csv')",
    "select * from read_blob('/proc/self/environ')",
    "select * from glob('/etc/*')",
    "select * from '/etc/passwd'",
    "select * from 'FOLDER/secret.csv'",
    "select * from 'https://example.com/x.csv'",
    "select * from 's3://bucket/x.parquet'",
    "select * from sniff_csv('FOLDER/secret.csv')",
    "select * from parquet_metadata('/etc/passwd')",
    "select * from read_text('FOLDER/run/in/../../secret.csv')",
    "copy (select 1) to 'FOLDER/evil.csv'",
    "attach 'FOLDER/evil.db'",
    "attach ':memory:' as other",
    'install httpfs',
    'load httpfs',
    'set lock_configuration = false',
    'reset enable_external_access',
    'set enable_external_access = true',
    'pragma enable_profiling',
    'pragma database_list',
    "export database 'FOLDER/evil'",
    "import database 'FOLDER'",
    "create secret x (type s3, key_id 'a', secret 'b')",
    'create table x (a int)',
    'drop view result',
    'insert into orders values (1)',
    'select 1; select 2',
    "select 1; copy (select 1) to 'FOLDER/evil.csv'",
    "select 1) to 'FOLDER/evil.csv'; --",
    "select 1 as a) ; attach 'FOLDER/evil.db'; select * from (select 1",
    "from enable_logging(storage := 'file', storage_config := {'path': 'FOLDER/evil'})",
    "select write_log('x')",
    "from query('select 1')",
    "from json_execute_serialized_sql('{}')",
    "select getenv('TENON_TEST_SECRET')",
    'call pragma_version()',
    "select nextval('x')",
    'prepare x as select 1',
    "select * from postgres_scan('host=localhost', 'public', 'x')",
    "select * from sqlite_scan('FOLDER/secret.csv', 'x')",
    'begin',
    'explain analyze select 1',
    'vacuum',
    'checkpoint',
    'select $1',
    '',
  ];
  for (const escape of escapes) {
    it(`does not run: ${escape}`, async () => {
      const sql = escape.replaceAll('FOLDER', folder);
      const steps = [{ name: 'result', sql }];
      await expect(session.describe({ relations: [], steps })).rejects.toMatchObject({ code: 'BAD_SQL' });
      const asked = session.query({ inputs: [], steps, maxRows: 10, maxBytes: 10_000 });
      await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/^(BAD_SQL|DATA_UNREADABLE)$/) });
      const written = session.write({
        inputs: [],
        steps,
        folder: join(folder, 'out'),
        fileId: 'x',
        columns: columns({ a: 'string' }),
        partitionBy: [],
        runId: 'r',
      });
      await expect(written).rejects.toMatchObject({ code: expect.stringMatching(/^(BAD_SQL|DATA_UNREADABLE)$/) });
      expect(readdirSync(folder).sort()).toEqual(['out', 'run', 'secret.csv']);
    });
  }

  it('carries nothing of this process in its environment', async () => {
    await session.parse('select 1');
    const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(/\s+/);
    const environments = children.map((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    expect(environments.some((environment) => environment.includes('TZ=UTC'))).toBe(true);
    for (const environment of environments.filter((each) => each.includes('TZ=UTC')))
      expect(environment).not.toContain('do-not-tell');
  });

  it('works below a folder whose path looks like partitions', async () => {
    const odd = join(folder, 'id=5', 'email=x');
    mkdirSync(odd, { recursive: true });
    writeFileSync(join(odd, 'a.csv'), 'id\n1\n');
    const other = createDuckdbEngine().open({ folder: odd, memoryLimit: '256MB', threads: 1, timeoutMs: 20_000 });
    const input = {
      name: 't',
      columns: columns({ id: 'int', k: 'string' }),
      keys: 1,
      groups: [{ format: CSV, columns: ['id'], files: [{ address: 'a', path: join(odd, 'a.csv'), values: ['v'] }] }],
    };
    const { rows } = await other.query({ inputs: [input], steps: [{ name: 'r', sql: 'from t' }], maxRows: 10, maxBytes: 1_000 });
    await other.close();
    expect(rows).toEqual([[1, 'v']]);
    expect(existsSync(join(odd, 'a.csv'))).toBe(true);
  });

  it('fails with a code when it is killed', async () => {
    await session.parse('select 1');
    const running = session.query({
      inputs: [],
      steps: [{ name: 'x', sql: 'select count(*) from range(100000000000) a, range(1000) b where a.range * b.range = -1' }],
      maxRows: 1,
      maxBytes: 1_000,
    });
    for (const pid of readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(/\s+/)) {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('duckdb-child')) process.kill(Number(pid), 'SIGKILL');
    }
    await expect(running).rejects.toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('SIGKILL') });
  });
});

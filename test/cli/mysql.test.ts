import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MYSQL_HOOK_TIMEOUT_MS, openTestMysql, type TestMysql } from '../servers/mysql.ts';
import { run } from './tenon.ts';

let folder: string;
let server: TestMysql | { readonly skip: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-cli-mysql-'));
  server = await openTestMysql();
}, MYSQL_HOOK_TIMEOUT_MS);
afterAll(async () => {
  if (!('skip' in server)) await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a MySQL on the command line', () => {
  it(
    'is crawled with a password from stdin, read by SQL, and kept from where it may not lead',
    { timeout: 120_000 },
    async (context) => {
      if ('skip' in server) return context.skip(server.skip);
      const { host, port, user, password } = server;
      const { name, client } = await server.newDatabase();
      await client.query(
        "create table orders (id int primary key, note text); insert into orders values (1, 'a'), (2, null), (3, '')",
      );
      await client.query("create table lone (only_one varchar(9)); insert into lone values ('a'), (null), (''), (null)");
      await client.end();
      const url = `mysql://${user}@${host}:${port}/${name}`;
      const tenon = async (args: string[], options: { stdin?: string; env?: Record<string, string> } = {}) => {
        const { code, stdout, stderr } = await run([...args, '--json', '--data', join(folder, 'data')], options);
        expect(stdout + stderr).not.toContain(password);
        return { code, answer: JSON.parse(stdout) as Record<string, never>, stderr };
      };
      const crawl = ['crawl', url, '--password-stdin', '--database', 'shop'];
      const first = await tenon(crawl, { stdin: password });
      expect(first, first.stderr).toMatchObject({ code: 0, answer: { run: { state: 'SUCCEEDED', tables: 2, added: 2 } } });
      expect((await tenon(crawl, { stdin: password })).answer).toMatchObject({ run: { added: 0, changed: 0, removed: 0 } });
      expect((await tenon(['sql', 'select * from shop.orders order by id'])).answer).toMatchObject({
        rows: [
          [1, 'a'],
          [2, null],
          [3, ''],
        ],
      });
      // A row of one null is an empty line in CSV, and still a row.
      const lone = await tenon(['sql', 'select count(*) as n, count(only_one) as known from shop.lone']);
      expect(lone.answer).toMatchObject({ rows: [[4, 2]] });
      const away = await tenon(crawl, { stdin: password, env: { TENON_CONNECTIONS_ALLOWED_HOSTS: 'db.example,10.0.0.0/8' } });
      expect(away.code).not.toBe(0);
      expect(JSON.stringify(away.answer)).toContain('HOST_NOT_ALLOWED');
      const bad = await run(['tables', '--data', join(folder, 'data')], {
        env: { TENON_CONNECTIONS_ALLOWED_HOSTS: '10.0.0.0/99' },
      });
      expect(bad.stdout + bad.stderr).toContain('10.0.0.0/99');
    },
  );
});

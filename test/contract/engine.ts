import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, EngineSession, FileGroup, Input, QueryResult, SessionOptions, Step } from '../../src/etl/engine.ts';
import type { Format } from '../../src/model/schema.ts';
import { parseType } from '../../src/model/types.ts';

export const CSV: Format = { name: 'csv', options: { delimiter: ',', quote: '"', escape: '"', header: true, encoding: 'utf-8' } };
export const JSON_LINES: Format = { name: 'json', options: { layout: 'lines' } };
const PARQUET: Format = { name: 'parquet' };

export function columns(list: Readonly<Record<string, string>>): { name: string; type: ReturnType<typeof parseType> }[] {
  return Object.entries(list).map(([name, type]) => ({ name, type: parseType(type) }));
}

/** What every engine must do, whatever it runs on. */
export function describeEngine({ name, open }: { name: string; open(): Engine }): void {
  describe(`engine ${name}`, () => {
    let folder: string;
    let session: EngineSession;
    /** Most tests share one: a session answers any number of verbs. */
    let shared: { folder: string; session: EngineSession };
    const opened: EngineSession[] = [];

    beforeAll(() => {
      const own = mkdtempSync(join(tmpdir(), 'tenon-engine-run-'));
      shared = { folder: own, session: open().open({ folder: own, memoryLimit: '512MB', threads: 2, timeoutMs: 600_000 }) };
    });
    afterAll(async () => {
      await shared.session.close();
      rmSync(shared.folder, { recursive: true, force: true });
    });
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'tenon-engine-'));
      mkdirSync(join(folder, 'run'));
      mkdirSync(join(folder, 'out'));
      session = shared.session;
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()));
      rmSync(folder, { recursive: true, force: true });
    });

    function start(options: Partial<SessionOptions> = {}): EngineSession {
      const made = open().open({ folder: join(folder, 'run'), memoryLimit: '512MB', threads: 2, timeoutMs: 20_000, ...options });
      opened.push(made);
      return made;
    }

    let files = 0;
    function file(text: string | Uint8Array, values: readonly (string | null)[] = []) {
      const path = join(folder, `source ${++files}'s.x`);
      writeFileSync(path, text);
      return { address: `file://source-${files}`, path, values };
    }

    function group(format: Format, names: readonly string[], all: FileGroup['files']): FileGroup {
      return { format, columns: names, files: all };
    }

    const step = (sql: string): readonly Step[] => [{ name: 'result', sql }];

    function orders(...groups: FileGroup[]): Input {
      return {
        name: 'orders',
        columns: columns({ id: 'bigint', email: 'string', amount: 'decimal(10,2)', dt: 'date' }),
        keys: 1,
        groups,
      };
    }

    function ask(inputs: readonly Input[], sql: string, max: { maxRows?: number; maxBytes?: number } = {}): Promise<QueryResult> {
      return session.query({ inputs, steps: step(sql), maxRows: 1_000, maxBytes: 1_000_000, ...max });
    }

    describe('parse', () => {
      it('names the tables of a query, without its WITH clauses', async () => {
        const { tables } = await session.parse(
          'with x as (select * from lake.sales) select * from x join lake."my orders" o using (id)',
        );
        expect(tables.map((table) => `${table.schema}.${table.name}`).sort()).toEqual(['lake.my orders', 'lake.sales']);
      });

      it('says what a WHERE demands of a table', async () => {
        const { tables } = await session.parse(
          "select * from lake.sales s where s.dt >= date '2026-01-01' and region in ('a', 'b') and 5 > n and x + 1 = 2",
        );
        expect(tables[0]?.conditions).toEqual([
          { column: 'dt', operator: '>=', values: ['2026-01-01'] },
          { column: 'region', operator: 'in', values: ['a', 'b'] },
          { column: 'n', operator: '<', values: [5] },
        ]);
      });

      it('says nothing of a table that is named twice, and nothing under an OR', async () => {
        const { tables } = await session.parse(
          "select * from lake.a x join lake.a y using (id), lake.b where x.dt = '1' and (b.k = 1 or b.k = 2)",
        );
        expect(tables.map((table) => table.conditions)).toEqual([[], []]);
      });
    });

    describe('describe', () => {
      const relations = [
        {
          name: 'orders',
          columns: columns({
            id: 'bigint',
            email: 'string',
            amount: 'decimal(10,2)',
            place: 'struct<city:string,zip:string>',
            dt: 'date',
          }),
        },
        { name: 'people', columns: columns({ email: 'string', age: 'int' }) },
      ];
      const cases: readonly [sql: string, orders: string[], people?: string[]][] = [
        ['select * from orders', ['id', 'email', 'amount', 'place', 'dt']],
        ['select id from orders where amount > 3', ['id', 'amount']],
        ['select count(*) from orders', []],
        ['select count(*) from (select distinct id, dt from orders)', ['id', 'dt']],
        ['with a as (select * from orders) select id from a', ['id']],
        ['with a as (select * from orders) select x.id from a x join a y on x.dt = y.dt', ['id', 'dt']],
        ['with a as materialized (select * from orders) select id from a', ['id']],
        ['select o.id from orders o join people p using (email) order by o.dt', ['id', 'email', 'dt'], ['email']],
        ['select o.id from orders o natural join people', ['id', 'email'], ['email']],
        ['select id from orders group by id, dt having max(amount) > 1', ['id', 'amount', 'dt']],
        ['select place.city from orders', ['place']],
        ['select o from orders o', ['id', 'email', 'amount', 'place', 'dt']],
        ['select id from orders where exists (from people where age = 1)', ['id'], ['age']],
        ['select (select max(age) from people p where p.email = o.email) from orders o', ['email'], ['email', 'age']],
        ['select sum(amount) over (partition by dt order by id) from orders', ['id', 'amount', 'dt']],
        ['select id from (select id, amount from orders order by email limit 3)', ['id', 'email']],
        ['select 1 from orders union select age from people', [], ['age']],
        ['select id from orders qualify row_number() over (partition by email order by dt) = 1', ['id', 'email', 'dt']],
        ['select "ID" from Orders', ['id']],
        ['select * exclude (email, place) from orders', ['id', 'amount', 'dt']],
      ];
      for (const [sql, fromOrders, fromPeople] of cases) {
        it(`knows what is read by: ${sql}`, async () => {
          const { reads } = await session.describe({ relations, steps: step(sql) });
          for (const column of fromOrders) expect(reads[0]).toContain(column);
          expect(reads).toEqual([fromOrders, fromPeople ?? []]);
        });
      }

      it('follows the columns through the steps', async () => {
        const { reads, columns: result } = await session.describe({
          relations,
          steps: [
            { name: 'paid', sql: 'select * from orders where amount > 0;' },
            { name: 'result', sql: 'with p as (from paid) select id, sum(amount) as total from p group by all' },
          ],
        });
        expect(reads).toEqual([['id', 'amount'], []]);
        expect(result).toEqual([
          { name: 'id', type: parseType('bigint'), engineType: 'BIGINT' },
          { name: 'total', type: parseType('decimal(38,2)'), engineType: 'DECIMAL(38,2)' },
        ]);
      });

      it('names the types that the catalog has a word for', async () => {
        const { columns: result } = await session.describe({
          relations: [],
          steps: step(
            "select sum(1) as h, 1::utinyint as u, uuid() as id, {a: 1, b: [1.5]} as s, map {'x': 1} as m, now() as t, time '10:00' as clock, null as n",
          ),
        });
        expect(result.map(({ type }) => type)).toEqual(
          [
            'bigint',
            'smallint',
            'string',
            'struct<a:int,b:array<decimal(2,1)>>',
            'map<string,int>',
            'timestamptz',
            undefined,
            'int',
          ].map((text) => (text === undefined ? undefined : parseType(text))),
        );
      });

      it('says in which step the SQL is wrong', async () => {
        const broken = session.describe({
          relations,
          steps: [
            { name: 'one', sql: 'select nope from orders' },
            { name: 'two', sql: 'from one' },
          ],
        });
        await expect(broken).rejects.toMatchObject({
          code: 'BAD_SQL',
          details: { step: 'one' },
          message: expect.stringContaining('nope'),
        });
      });
    });

    describe('query', () => {
      it('reads csv, json and parquet as one relation', async () => {
        const made = await session.write({
          inputs: [],
          steps: step("select 3::bigint as id, 'c' as email, 3.5::decimal(10,2) as amount"),
          folder: join(folder, 'out'),
          fileId: 'x',
          columns: columns({ id: 'bigint', email: 'string', amount: 'decimal(10,2)' }),
          partitionBy: [],
          runId: 'r1',
        });
        const parquet = { address: 'p', path: made.files[0]?.path ?? '', values: ['2026-01-03'] };
        const result = await ask(
          [
            orders(
              group(CSV, ['id', 'email', 'amount'], [file('id,email,amount\n1,a,1.50\n', ['2026-01-01'])]),
              group(JSON_LINES, ['id', 'email', 'amount'], [file('{"id":2,"email":"b","amount":2.5}\n', [null])]),
              group(PARQUET, ['id', 'email', 'amount'], [parquet]),
            ),
          ],
          'select id, email, amount, dt from orders order by id',
        );
        expect(result.columns.map(({ type }) => type)).toEqual(
          columns({ a: 'bigint', b: 'string', c: 'decimal(10,2)', d: 'date' }).map(({ type }) => type),
        );
        expect(result.rows).toEqual([
          [1, 'a', '1.50', '2026-01-01'],
          [2, 'b', '2.50', null],
          [3, 'c', '3.50', '2026-01-03'],
        ]);
      });

      it('gives an empty, typed relation for no files', async () => {
        const result = await ask([orders()], 'select * from orders');
        expect(result.columns.map((column) => column.name)).toEqual(['id', 'email', 'amount', 'dt']);
        expect(result.rows).toEqual([]);
      });

      it('gives null for a column that files lack, and leaves out one that is not the relation’s', async () => {
        const result = await ask(
          [orders(group(CSV, ['x', 'id'], [file('x,id\nq,1\n', ['2026-01-01'])]))],
          'select * from orders',
        );
        expect(result.rows).toEqual([[1, null, null, '2026-01-01']]);
      });

      it('reads parquet files of one group that differ in their columns', async () => {
        const write = (sql: string, fileId: string, list: Record<string, string>) =>
          session.write({
            inputs: [],
            steps: step(sql),
            folder: join(folder, 'out'),
            fileId,
            columns: columns(list),
            partitionBy: [],
            runId: 'r',
          });
        const a = await write('select 1::int as id', 'a', { id: 'int' });
        const b = await write("select 2::bigint as id, 'b' as email", 'b', { id: 'bigint', email: 'string' });
        const paths = [a, b].map((each) => ({ address: 'p', path: each.files[0]?.path ?? '', values: ['2026-01-01'] }));
        const both = await ask([orders(group(PARQUET, ['id', 'email'], paths))], 'select id, email from orders order by id');
        expect(both.rows).toEqual([
          [1, null],
          [2, 'b'],
        ]);
        const first = await ask([orders(group(PARQUET, ['id', 'email'], paths.slice(0, 1)))], 'select id, email from orders');
        expect(first.rows).toEqual([[1, null]]);
      });

      it('takes partition values as they are in the catalog, whatever they contain', async () => {
        const values = [
          'a',
          "it's",
          'x/y',
          '50%',
          'ünï',
          '',
          'NULL',
          'null',
          'a=b',
          '..',
          '.',
          'a b',
          '"; drop',
          'new\nline',
          '日本',
          null,
          '%41',
          '*',
          '?x',
          '[ab]',
          '{a,b}',
          '__HIVE_DEFAULT_PARTITION__',
          'x'.repeat(50),
        ];
        const input: Input = {
          name: 't',
          columns: columns({ n: 'int', k: 'string' }),
          keys: 1,
          groups: [
            group(
              CSV,
              ['n'],
              values.map((value, n) => file(`n\n${n}\n`, [value])),
            ),
          ],
        };
        const result = await ask([input], 'select k from t order by n');
        expect(result.rows.map(([value]) => value)).toEqual(values);
        const one = await ask([input], "select n from t where k = 'x/y'");
        expect(one.rows).toEqual([[2]]);
      });

      it('quotes hostile names of relations, columns and keys', async () => {
        const evil = '"; drop table x; --';
        const input: Input = {
          name: evil,
          columns: columns({ [evil]: 'int', "it's": 'string' }),
          keys: 1,
          groups: [group(CSV, [evil], [file('"""; drop table x; --"\n7\n', ['v'])])],
        };
        const result = await ask([input], 'select * from """; drop table x; --"');
        expect(result.columns.map((column) => column.name)).toEqual([evil, "it's"]);
        expect(result.rows).toEqual([[7, 'v']]);
      });

      it('reads compressed files, and csv with its own signs', async () => {
        const format: Format = {
          name: 'csv',
          compression: 'gzip',
          options: { delimiter: '\t', quote: "'", escape: "'", header: false, null: 'NA' },
        };
        const input: Input = {
          name: 't',
          columns: columns({ a: 'int', b: 'string' }),
          keys: 0,
          groups: [group(format, ['a', 'b'], [file(gzipSync("1\t'x\ty'\nNA\tz\n"))])],
        };
        expect((await ask([input], 'from t')).rows).toEqual([
          [1, 'x\ty'],
          [null, 'z'],
        ]);
      });

      it('keeps what JSON numbers cannot: long integers, decimals, times, binary', async () => {
        const result = await ask(
          [],
          `select 9007199254740993 as a, 9007199254740991 as b, 1.10::decimal(5,2) as c, date '2026-01-02' as d, timestamp '2026-01-02 03:04:05.5' as e,
             timestamptz '2026-01-02 03:04:05+02' as f, 'nan'::double as g, [1, null] as h, {x: date '2026-01-02'} as i, map {'k': 1} as j, '\\xAA'::blob as k,
             null as l, true as m, uuid '00000000-0000-0000-0000-000000000001' as n, map {1: 'x'} as o`,
        );
        expect(result.rows).toEqual([
          [
            '9007199254740993',
            9007199254740991,
            '1.10',
            '2026-01-02',
            '2026-01-02T03:04:05.5',
            '2026-01-02T01:04:05Z',
            'NaN',
            [1, null],
            { x: '2026-01-02' },
            { k: 1 },
            'qg==',
            null,
            true,
            '00000000-0000-0000-0000-000000000001',
            [{ key: 1, value: 'x' }],
          ],
        ]);
      });

      it('ends at the limits of rows and bytes, and says so', async () => {
        const rows = await ask([], 'from range(10)', { maxRows: 3 });
        expect(rows).toMatchObject({ rows: [[0], [1], [2]], truncated: true });
        expect(await ask([], 'from range(3)', { maxRows: 3 })).toMatchObject({ truncated: false });
        const bytes = await ask([], "select repeat('x', 100) from range(100000)", { maxBytes: 1_000, maxRows: 100_000 });
        expect(bytes.truncated).toBe(true);
        expect(bytes.rows.length).toBeLessThan(11);
      });

      it('names the file and the line of a value that does not fit', async () => {
        const bad = file('id,email,amount\n1,a,1\nzz,b,2\n', ['2026-01-01']);
        const broken = ask([orders(group(CSV, ['id', 'email', 'amount'], [bad]))], 'select sum(id) from orders');
        await expect(broken).rejects.toMatchObject({ code: 'DATA_UNREADABLE', details: { file: bad.address, line: 3 } });
        await expect(broken).rejects.not.toThrow(/\/in\/\d/);
      });

      it('names the file of a broken parquet', async () => {
        const bad = file('PAR1 and nothing more', ['2026-01-01']);
        await expect(ask([orders(group(PARQUET, ['id'], [bad]))], 'from orders')).rejects.toMatchObject({
          code: 'DATA_UNREADABLE',
          details: { file: bad.address },
        });
      });

      it('reads thousands of files, and only those of the partitions that are asked for', async () => {
        const shared = file('id,email,amount\n1,a,1\n');
        const all = Array.from({ length: 3_000 }, (_, n) => ({
          ...shared,
          values: [new Date(n * 86_400_000).toISOString().slice(0, 10)],
        }));
        const input = orders(group(CSV, ['id', 'email', 'amount'], all));
        expect((await ask([input], 'select count(*), count(distinct dt) from orders')).rows).toEqual([[3_000, 3_000]]);
        // Whoever read another partition would meet this.
        writeFileSync(shared.path, 'id,email,amount\nbad,a,1\n');
        writeFileSync(join(folder, 'one'), 'id,email,amount\n5,a,1\n');
        const others = all.map((each, n) => (n === 77 ? { ...each, path: join(folder, 'one') } : each));
        const one = await ask(
          [orders(group(CSV, ['id', 'email', 'amount'], others))],
          `select id from orders where dt = '${all[77]?.values[0]}'`,
        );
        expect(one.rows).toEqual([[5]]);
      });
    });

    describe('write', () => {
      const write = (sql: string, list: Record<string, string>, partitionBy: string[] = []) =>
        session.write({
          inputs: [],
          steps: step(sql),
          folder: join(folder, 'out'),
          fileId: 'f1',
          columns: columns(list),
          partitionBy,
          runId: 'run-1',
        });

      it('writes one parquet file where there are no partitions', async () => {
        const written = await write('select 1 as a, sum(x) as s from (values (1), (2)) t(x)', { a: 'int', s: 'bigint' });
        expect(written).toMatchObject({
          rows: 1n,
          files: [{ path: join(folder, 'out', 'part-f1.parquet'), values: [], rows: 1n }],
        });
        const bytes = readFileSync(join(folder, 'out', 'part-f1.parquet'));
        expect(BigInt(bytes.length)).toBe(written.files[0]?.bytes);
        expect(bytes.toString('latin1')).toContain('tenon_run');
      });

      it('writes a folder for each partition and says their values', async () => {
        const written = await write(
          "select * from (values (1, 'x/y', 1), (2, null, 1), (3, 'NULL', 2), (4, 'x/y', 1)) t(a, \"k'\", n)",
          { a: 'int', "k'": 'string', n: 'int' },
          ["k'", 'n'],
        );
        const values = written.files.map((each) => [each.values, each.rows]).sort((a, b) => String(a).localeCompare(String(b)));
        expect(values).toEqual([
          [[null, '1'], 1n],
          [['NULL', '2'], 1n],
          [['x/y', '1'], 2n],
        ]);
        expect(written.rows).toBe(4n);
      });

      it('fails whole when a value does not fit the type of its column', async () => {
        await expect(
          write('select 170141183460469231731687303715884105727::hugeint as a', { a: 'bigint' }),
        ).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
      });
    });

    describe('ends', () => {
      const endless = 'select count(*) from range(100000000000) a, range(1000) b where a.range * b.range = -1';

      it('ends a query that takes too long', async () => {
        session = start({ timeoutMs: 700 });
        await expect(ask([], endless)).rejects.toMatchObject({ code: 'TIMEOUT' });
        await expect(ask([], 'select 1')).rejects.toMatchObject({ code: 'TIMEOUT' });
      });

      it('ends a query when it is told to', async () => {
        const stop = new AbortController();
        session = start({ signal: stop.signal });
        await session.parse('select 1');
        const running = ask([], endless);
        setTimeout(() => stop.abort(), 100);
        await expect(running).rejects.toMatchObject({ code: 'STOPPED' });
      });

      it('fails for too little memory with a code of its own', async () => {
        session = start({ memoryLimit: '20MB' });
        await expect(
          ask([], 'select count(distinct a.range || b.range) from range(3000) a, range(3000) b'),
        ).rejects.toMatchObject({ code: 'LIMIT' });
      });

      it('closes twice, and while a query runs', async () => {
        session = start();
        const running = ask([], endless).catch((error: unknown) => error);
        await session.close();
        await session.close();
        expect(await running).toMatchObject({ code: 'STOPPED' });
      });
    });
  });
}

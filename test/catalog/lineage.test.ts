import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureDatabase } from '../../src/catalog/databases.ts';
import { listLineage, recordLineage, type LineageDirection } from '../../src/catalog/lineage.ts';
import { dropTable, recordTable } from '../../src/catalog/tables.ts';
import { latestPosition } from '../../src/changes/list.ts';
import { write } from '../../src/changes/write.ts';
import type { Position } from '../../src/model/change.ts';
import type { Table } from '../../src/model/table.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asApi, log, reader, salesDraft } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
  await asApi(t.ground, (w) => ensureDatabase(w, 'lake'));
});
afterAll(() => t.close());

const make = (name: string): Promise<Table> => asApi(t.ground, async (w) => (await recordTable(w, salesDraft({ name }))).table);
const record = (from: readonly Table[], to: Table, producer = 'job:j') =>
  asApi(t.ground, (w) => recordLineage(w, { from: from.map(({ id }) => id), to: to.id, producer }));
const list = async (table: Table, direction: LineageDirection, depth = 1, asOf?: Position) =>
  (await listLineage(t.db, reader, table.id, direction, depth, { asOf })).map(
    ({ from, to, depth }) => `${from.name}>${to.name}@${depth}`,
  );

describe('lineage', () => {
  it('walks up and down, as far as it is told', async () => {
    const [a, b, c, d] = [await make('a'), await make('b'), await make('c'), await make('d')];
    await record([a, b], c);
    await record([c], d);
    expect(await list(d, 'upstream')).toEqual(['c>d@1']);
    expect(await list(d, 'upstream', 5)).toEqual(['c>d@1', 'a>c@2', 'b>c@2']);
    expect(await list(a, 'downstream', 5)).toEqual(['a>c@1', 'c>d@2']);
    expect(await list(a, 'upstream', 5)).toEqual([]);
    expect((await listLineage(t.db, reader, d.id, 'upstream'))[0]).toMatchObject({
      from: { id: c.id, database: 'lake' },
      producer: 'job:j',
      runId: 'run-1',
    });
  });

  it('comes to an end in a cycle, with each edge once', async () => {
    const [x, y, z] = [await make('x'), await make('y'), await make('z')];
    await record([x], y);
    await record([y], z);
    await record([z, x], x);
    expect((await list(x, 'downstream', 50)).sort()).toEqual(['x>x@1', 'x>y@1', 'y>z@2', 'z>x@3']);
    expect((await list(x, 'upstream', 50)).sort()).toEqual(['x>x@1', 'y>z@2', 'z>x@1', 'x>y@3'].sort());
  });

  it('rewrites only the edges that differ, of the same producer', async () => {
    const [p, q, r, s] = [await make('p'), await make('q'), await make('r'), await make('s')];
    await record([p, q], s);
    await record([r], s, 'job:other');
    const position = await latestPosition(t.db);
    const before = await log(t.ground);
    expect(await record([q, p, p], s)).toEqual({ added: 0, removed: 0 });
    expect(await log(t.ground)).toEqual(before);
    expect(await record([q, r], s)).toEqual({ added: 1, removed: 1 });
    expect((await list(s, 'upstream')).sort()).toEqual(['q>s@1', 'r>s@1', 'r>s@1']);
    expect((await list(s, 'upstream', 1, position)).sort()).toEqual(['p>s@1', 'q>s@1', 'r>s@1']);
    expect((await log(t.ground)).at(-1)).toMatchObject({
      kind: 'table.changed',
      subject: s.id,
      details: { lineage: { producer: 'job:j', added: [r.id], removed: [p.id] } },
    });
    const { rows } = await t.db.execute(sql`select 1 from lineage where to_table_id = ${s.id}`);
    expect(rows).toHaveLength(4);
  });

  it('ends with the tables at both of its ends', async () => {
    const [one, two, three] = [await make('one'), await make('two'), await make('three')];
    await record([one], two);
    await record([two], three);
    const position = await latestPosition(t.db);
    await asApi(t.ground, (w) => dropTable(w, two));
    expect(await list(one, 'downstream', 5)).toEqual([]);
    expect(await list(three, 'upstream', 5)).toEqual([]);
    expect(await list(one, 'downstream', 5, position)).toEqual(['one>two@1', 'two>three@2']);
  });

  it('refuses tables that are not there, depths that make no sense, and readers who write', async () => {
    const table = await make('alone');
    const to = (id: string, from: string[]) => asApi(t.ground, (w) => recordLineage(w, { from, to: id, producer: 'job:j' }));
    await expect(to('nope', [table.id])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(to(table.id, ['nope'])).rejects.toMatchObject({ code: 'NOT_FOUND', details: { id: 'nope' } });
    for (const depth of [0, -1, 51, 1.5])
      await expect(list(table, 'upstream', depth)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    const attempt = write(t.ground, { principal: reader, owner: 'api' }, (w) =>
      recordLineage(w, { from: [], to: table.id, producer: 'x' }),
    );
    await expect(attempt).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await to(table.id, [])).toEqual({ added: 0, removed: 0 });
  });
});

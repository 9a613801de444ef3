import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listChanges } from '../../src/changes/list.ts';
import { write } from '../../src/changes/write.ts';
import type { Actor } from '../../src/model/principal.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

const BY: Actor = { principal: { id: 'p1', name: 'ada', role: 'editor' }, owner: 'crawler:sales', runId: 'run-1' };

describe('write', () => {
  let t: TestDb;
  beforeAll(async () => {
    t = await openTestDb();
  });
  afterAll(() => t.close());

  const all = async (subject: string) => (await listChanges(t.db, { subject }, { first: 100 })).items.map(({ item }) => item);

  it('appends who did what, when and in which run', async () => {
    await write(t.ground, BY, async (w) => {
      const entry = await w.entry({ id: 't1', database: 'lake', table: 'sales' });
      entry.note({ kind: 'table.created', after: { name: 'sales' }, details: { columns: 3 } });
    });
    expect(await all('t1')).toEqual([
      {
        position: 1n,
        at: t.clock(),
        kind: 'table.created',
        subject: 't1',
        database: 'lake',
        table: 'sales',
        by: { principal: 'ada', owner: 'crawler:sales', runId: 'run-1' },
        before: undefined,
        after: { name: 'sales' },
        details: { columns: 3 },
      },
    ]);
  });

  it('makes one entry of all that happened to a subject, named for the weightiest', async () => {
    await write(t.ground, BY, async (w) => {
      const [a, b] = await Promise.all([w.entry({ id: 't2' }), w.entry({ id: 't2' })]);
      expect(a).toBe(b);
      a.note({ kind: 'partitions.changed', details: { added: 2 } });
      a.note({ kind: 'table.changed', before: 1, after: 2 });
      b.note({ kind: 'table.changed', before: 2, after: 3, details: { version: 4 } });
    });
    expect(await all('t2')).toMatchObject([{ kind: 'table.changed', before: 1, after: 3, details: { added: 2, version: 4 } }]);
  });

  it('leaves no trace when nothing was noted, nor when the transaction failed', async () => {
    await write(t.ground, BY, (w) => w.entry({ id: 't3' }));
    const failed = write(t.ground, BY, async (w) => {
      (await w.entry({ id: 't3' })).note({ kind: 'table.created' });
      throw new Error('on purpose');
    });
    await expect(failed).rejects.toThrow('on purpose');
    expect(await all('t3')).toEqual([]);
  });

  it('takes more entries than one statement has parameters for', async () => {
    await write(t.ground, { ...BY, runId: 'run-many' }, async (w) => {
      for (let i = 0; i < 6_000; i++) (await w.entry({ id: `many-${i}` })).note({ kind: 'table.created' });
    });
    const page = await listChanges(t.db, { runId: 'run-many' }, { first: 10_000 });
    expect(page.items).toHaveLength(6_000);
  });
});

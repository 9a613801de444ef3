import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { latestPosition } from '../../src/changes/list.ts';
import { watchChanges } from '../../src/changes/watch.ts';
import { write } from '../../src/changes/write.ts';
import type { Change, Position } from '../../src/model/change.ts';
import type { Actor } from '../../src/model/principal.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

const BY: Actor = { principal: { id: 'p1', name: 'ada', role: 'editor' }, owner: 'api' };

describe('watchChanges', () => {
  let t: TestDb;
  beforeAll(async () => {
    t = await openTestDb();
  });
  afterAll(() => t.close());

  const change = (id: string, database = 'lake') =>
    write(t.ground, BY, async (w) => (await w.entry({ id, database })).note({ kind: 'table.changed' }));

  /** Pulls so many changes, then stops as Ctrl-C does. */
  async function take(
    count: number,
    options: { after?: Position; filter?: { database: string } },
    meanwhile?: () => Promise<unknown>,
  ) {
    const stop = new AbortController();
    const seen: Change[] = [];
    const others = meanwhile?.();
    for await (const one of watchChanges(t.ground, { ...options, signal: stop.signal })) {
      seen.push(one);
      if (seen.length === count) stop.abort();
    }
    await others;
    return seen;
  }

  it('yields what is there after a position, then what comes, and resumes where it was left', async () => {
    const after = await latestPosition(t.db);
    for (const id of ['a', 'b', 'c']) await change(id);
    const first = await take(2, { after });
    expect(first.map(({ subject }) => subject)).toEqual(['a', 'b']);
    const last = first.at(-1)?.position ?? 0n;
    const rest = await take(3, { after: last }, async () => {
      await change('d');
      await change('e');
    });
    expect(rest.map(({ subject }) => subject)).toEqual(['c', 'd', 'e']);
  });

  it('yields only what matches, and reaches it beyond what does not', async () => {
    const after = await latestPosition(t.db);
    for (let i = 0; i < 5; i++) await change(`x${i}`, 'elsewhere');
    await change('wanted', 'house');
    const seen = await take(1, { after, filter: { database: 'house' } });
    expect(seen.map(({ subject }) => subject)).toEqual(['wanted']);
  });

  it('yields more than a batch', async () => {
    const after = await latestPosition(t.db);
    await write(t.ground, BY, async (w) => {
      for (let i = 0; i < 450; i++) (await w.entry({ id: `many-${i}` })).note({ kind: 'table.changed' });
    });
    const seen = await take(450, { after });
    expect(new Set(seen.map(({ subject }) => subject)).size).toBe(450);
  });

  it('ends at once when it was aborted before', async () => {
    const seen: Change[] = [];
    for await (const one of watchChanges(t.ground, { after: 0n, signal: AbortSignal.abort() })) seen.push(one);
    expect(seen).toEqual([]);
  });
});

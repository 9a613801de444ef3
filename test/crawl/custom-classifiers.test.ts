import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { write } from '../../src/changes/write.ts';
import type { ClassifierSpec } from '../../src/crawl/classifier-kind.ts';
import {
  defineClassifier,
  dropClassifier,
  findClassifier,
  listClassifiers,
  needClassifiers,
} from '../../src/crawl/custom-classifiers.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { ADMIN } from './lab.ts';

const BARS: ClassifierSpec = { name: 'Bars', kind: 'csv', options: { delimiter: '|' } };

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
afterAll(() => t.close());

const define = (spec: ClassifierSpec, as = ADMIN) =>
  write(t.ground, { principal: as, owner: 'api' }, (w) => defineClassifier(w, spec));
const drop = (name: string) => write(t.ground, { principal: ADMIN, owner: 'api' }, (w) => dropClassifier(w, name));
const kinds = async (): Promise<string[]> =>
  (await t.db.execute<{ kind: string }>('select kind from changes order by position')).rows.map(({ kind }) => kind);

describe('the definition of a classifier', () => {
  it('is kept, found by its name in any case, and logged once', async () => {
    const made = await define(BARS);
    expect(made).toMatchObject({ name: 'bars', kind: 'csv', options: { delimiter: '|', quote: '"', header: 'UNKNOWN' } });
    expect(await findClassifier(t.db, ADMIN, 'BARS')).toEqual(made);
    expect(await define(BARS)).toEqual(made);
    expect(await kinds()).toEqual(['classifier.defined']);
    const changed = await define({ ...BARS, options: { delimiter: ';' } });
    expect(changed).toMatchObject({ id: made.id, options: { delimiter: ';' } });
    expect(await kinds()).toEqual(['classifier.defined', 'classifier.defined']);
  });

  it('is refused when its kind or its options are wrong, or the role is too low', async () => {
    await expect(define({ ...BARS, kind: 'guess' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(define({ ...BARS, options: { delimiter: '||', header: 'MAYBE' } })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      details: { mistakes: [expect.stringContaining('delimiter'), expect.stringContaining('header')] },
    });
    await expect(define(BARS, { ...ADMIN, role: 'reader' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(define({ ...BARS, name: 'a/b' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('is listed in pages, may be dropped and come again, and is missed by who names it', async () => {
    for (const name of ['c1', 'c2', 'c3']) await define({ ...BARS, name });
    const first = await listClassifiers(t.db, ADMIN, { first: 2 });
    const second = await listClassifiers(t.db, ADMIN, { first: 9, after: first.items.at(-1)?.cursor });
    expect([...first.items, ...second.items].map(({ item }) => item.name)).toEqual(['bars', 'c1', 'c2', 'c3']);
    expect([first.hasNextPage, second.hasNextPage]).toEqual([true, false]);
    const crawler = { name: 'lake', settings: { classifiers: ['C3', 'c2', 'bars'] } };
    expect((await needClassifiers(t.db, ADMIN, crawler)).map(({ name }) => name)).toEqual(['c3', 'c2', 'bars']);
    await drop('c2');
    await expect(drop('c2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(needClassifiers(t.db, ADMIN, crawler)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      details: { crawler: 'lake', classifiers: ['c2'] },
    });
    expect((await define({ ...BARS, name: 'c2' })).name).toBe('c2');
  });
});

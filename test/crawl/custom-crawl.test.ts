import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { write } from '../../src/changes/write.ts';
import { defineClassifier, dropClassifier } from '../../src/crawl/custom-classifiers.ts';
import type { ClassifierSpec } from '../../src/crawl/classifier-kind.ts';
import { ADMIN, openLab, type Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const by = { principal: ADMIN, owner: 'api' };
const define = (spec: ClassifierSpec) => write(lab.t.ground, by, (w) => defineClassifier(w, spec));
const WHOLE: ClassifierSpec = {
  name: 'whole',
  kind: 'grok',
  options: { pattern: '^%{GREEDYDATA:line}$', classification: 'lines' },
};
const LEVEL: ClassifierSpec = {
  name: 'level',
  kind: 'grok',
  options: { pattern: '"level":"%{WORD:level}","ms":%{INT:ms:long}', classification: 'leveled' },
};
const JSON_LINES = '{"level":"info","ms":17}\n{"level":"warn","ms":18}\n';
const settings = { classifiers: ['level', 'whole'] };

const shown = async (): Promise<unknown> =>
  (await lab.catalog()).map(({ name, columns, format }) => [name, columns.join(', '), (format as { name: string }).name]);

describe('a crawler that names classifiers', () => {
  it('asks them before the built-in ones, in its order', async () => {
    await define(WHOLE);
    await define(LEVEL);
    lab.put({ 'logs/a.json': JSON_LINES, 'tables/b.csv': 'id,name\n1,x\n' });
    await lab.crawl();
    expect(await shown()).toEqual([
      ['logs', 'level string, ms bigint', 'json'],
      ['tables', 'id bigint, name string', 'csv'],
    ]);
    await lab.crawl({ name: 'own', database: 'own', settings });
    expect((await shown()) as unknown[]).toEqual(
      expect.arrayContaining([
        ['logs', 'level string, ms bigint', 'leveled'],
        ['tables', 'line string', 'lines'],
      ]),
    );
    await lab.crawl({ name: 'turned', database: 'turned', settings: { classifiers: ['whole', 'level'] } });
    expect((await shown()) as unknown[]).toContainEqual(['logs', 'line string', 'lines']);
  });

  it('takes also files whose names say that they are no tables', async () => {
    await define(LEVEL);
    lab.put({ 'app/out.js': JSON_LINES });
    await lab.crawl({ settings: { classifiers: ['level'] } });
    expect(await shown()).toEqual([['app', 'level string, ms bigint', 'leveled']]);
  });

  it('fails at once, and changes nothing, when one of them is not there any more', async () => {
    await define(LEVEL);
    await define(WHOLE);
    lab.put({ 'logs/a.json': JSON_LINES });
    await lab.crawl({ settings });
    await write(lab.t.ground, by, (w) => dropClassifier(w, 'whole'));
    const before = await lab.catalog();
    await expect(lab.crawl({ settings })).rejects.toMatchObject({ code: 'NOT_FOUND', details: { classifiers: ['whole'] } });
    expect(await lab.catalog()).toEqual(before);
  });

  it('classifies nothing anew that it has crawled already, when a classifier is another', async () => {
    await define(LEVEL);
    lab.put({ 'logs/dt=2026-01-01/a.json': JSON_LINES });
    await lab.crawl({ settings: { classifiers: ['level'] } });
    await define({ ...LEVEL, options: { pattern: '"level":"%{WORD:severity}"', classification: 'leveled' } });
    const again = await lab.crawl({ settings: { classifiers: ['level'] } });
    expect(again.result).toMatchObject({ changed: 0, bill: { gets: 0 } });
    expect(await shown()).toEqual([['logs', 'level string, ms bigint', 'leveled']]);
    lab.put({ 'logs/dt=2026-01-02/a.json': JSON_LINES });
    await lab.crawl({ settings: { classifiers: ['level'] } });
    expect(await shown()).toEqual([['logs', 'level string, ms bigint, severity string', 'leveled']]);
  });
});

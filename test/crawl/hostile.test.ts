import { openSync, ftruncateSync, closeSync, writeSync, readFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { classify } from '../../src/crawl/classify.ts';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import type { ObjectFinding } from '../../src/crawl/crawler.ts';
import { sourceOf } from './bytes.ts';
import { openLab, type Lab } from './lab.ts';
import { listed, scripted } from './scripted.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const CSV = 'id,name\n1,a\n2,b\n';

describe('a hostile lake', () => {
  it('keeps every path as it is, whatever is in it', async () => {
    const names = [
      `quote'"s`,
      'a b',
      'a..b',
      'new\nline',
      'ünï çödé 日本 😀',
      '100%',
      '%2F',
      '%',
      '`; drop table x; --',
      '$(id)',
      'back\\slash',
      '?a=b#c',
      'k=v=w',
    ];
    for (const [i, name] of names.entries()) lab.put({ [`t${i}/${name}/x y.csv`]: CSV, [`p${i}/k=${name}/${name}.csv`]: CSV });
    const { state, result } = await lab.crawl();
    expect(result.unknowns).toEqual([]);
    expect(state).toBe('SUCCEEDED');
    const catalog = await lab.catalog();
    expect(catalog).toHaveLength(names.length * 2);
    expect(catalog.every(({ name }) => /^[a-z0-9_]{1,128}$/.test(name))).toBe(true);
    expect((await lab.crawl()).result).toMatchObject({ added: 0, changed: 0, removed: 0, bill: { gets: 0 } });
  });

  it('says of each file that cannot be read which it is, and records all others', async () => {
    const parquet = readFileSync(join(import.meta.dirname, '../fixtures/parquet/types.parquet'));
    lab.put({
      'good/x.csv': CSV,
      'truncated/x.parquet': parquet.subarray(0, parquet.length - 100),
      'unclosed/x.csv': 'id,name\n1,"a\n2,b\n',
      'empty/x.csv': '',
      'names/x.csv': 'id,"""; drop table x; --"\n1,2\n',
    });
    const { state, result } = await lab.crawl();
    expect(state).toBe('INCOMPLETE');
    expect(result.unknowns.map(({ path, code }) => [path, code])).toEqual([
      ['truncated/x.parquet', 'DATA_UNREADABLE'],
      ['unclosed/x.csv', 'DATA_UNREADABLE'],
    ]);
    expect(result.skipped).toEqual([{ path: 'empty/x.csv', reason: 'empty' }]);
    expect((await lab.catalog()).map(({ name, columns }) => [name, columns])).toEqual([
      ['good', ['id bigint', 'name string']],
      ['names', ['id bigint', '"; drop table x; -- bigint']],
    ]);
  });

  it('loses nothing when a file breaks, and takes it up again when it is repaired', async () => {
    lab.put({ 't/dt=1/x.csv': CSV, 't/dt=2/x.csv': CSV });
    await lab.crawl();
    const before = await lab.catalog();
    lab.put({ 't/dt=2/x.csv': 'id,name\n1,"broken\n' });
    for (let i = 0; i < 2; i += 1) {
      const { state, result } = await lab.crawl();
      expect([state, result.unknown]).toEqual(['INCOMPLETE', 1]);
      expect(await lab.catalog()).toEqual(before);
    }
    lab.put({ 't/dt=2/x.csv': 'id,name,more\n1,a,b\n' });
    expect((await lab.crawl()).state).toBe('SUCCEEDED');
    expect((await lab.catalog())[0]?.columns).toEqual(['id bigint', 'name string', 'more string']);
  });

  it('reads little of a file of 100 MB whose quote never closes', async () => {
    mkdirSync(join(lab.root, 't'));
    const file = openSync(join(lab.root, 't/huge.csv'), 'w');
    writeSync(file, 'id,name\n1,a\n2,"never closed\n');
    const rows = Buffer.from('3,c\n'.repeat(1 << 18));
    for (let i = 0; i < 101; i += 1) writeSync(file, rows);
    ftruncateSync(file, 101 * (1 << 20));
    closeSync(file);
    const { state, result } = await lab.crawl();
    expect(state).toBe('INCOMPLETE');
    expect(result.unknowns).toMatchObject([
      { path: 't/huge.csv', code: 'DATA_UNREADABLE', message: expect.stringContaining('line 3') as string },
    ]);
    expect(result.bill.bytes).toBeLessThan(20 * (1 << 20));
  });

  it('loses nothing when the source vanishes in mid-crawl', async () => {
    lab.put(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`t${String(i).padStart(2, '0')}/x.csv`, CSV])));
    await lab.crawl();
    const before = await lab.catalog();
    lab.put({ 't05/x.csv': `${CSV}3,c\n` });
    const crawler = scripted({
      onObject: (path) =>
        path === 't05/x.csv' && lab.put(Object.fromEntries(before.slice(5).map(({ name }) => [name, undefined]))),
    });
    const { state, result } = await lab.crawl({ crawler });
    expect([state, result.removed]).toEqual(['INCOMPLETE', 0]);
    expect((await lab.catalog()).map(({ name, columns }) => [name, columns])).toEqual(
      before.map(({ name, columns }) => [name, columns]),
    );
  });

  it('refuses a listing that is out of order, before it does harm', async () => {
    const object = (path: string): ObjectFinding => ({
      kind: 'object',
      ...sourceOf(path, CSV),
      location: `file:///x/${path}`,
      etag: 'e',
      modified: 0,
    });
    const findings = [object('b/x.csv'), object('a/x.csv'), { kind: 'checkpoint', cursor: '', complete: true } as const];
    await expect(lab.crawl({ crawler: listed(findings) })).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('keeps names that the catalog refuses from harming others', async () => {
    lab.put({ 'a/x.json': '{"\\ud800":1}\n', 'b/x.csv': CSV, [`c/k=${'x'.repeat(200)}/j=${'y'.repeat(200)}/x.csv`]: CSV });
    const { state, result } = await lab.crawl();
    expect(state).toBe('INCOMPLETE');
    expect(result.unknowns).toMatchObject([{ path: 'a/' }]);
    expect((await lab.catalog()).map(({ name }) => name)).toEqual(['b', 'c']);
  });

  it('stays quick and small when a file has far too many columns', async () => {
    const header = Array.from({ length: 20_000 }, (_, i) => `c${i}`).join(',');
    await expect(classify(sourceOf('wide.csv', `${header}\n${header}\n`), CLASSIFY_LIMITS)).rejects.toMatchObject({
      code: 'LIMIT',
    });
    const object = JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`c${i}`, i])));
    await expect(classify(sourceOf('wide.json', object), CLASSIFY_LIMITS)).rejects.toMatchObject({ code: 'LIMIT' });
  });
});

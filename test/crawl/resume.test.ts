import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onReached, type Label } from '../../src/model/reached.ts';
import { openLab, type CatalogTable, type Lab } from './lab.ts';
import { scripted } from './scripted.ts';

const CSV = 'id,name\n1,a\n2,b\n';
const LABELS: readonly Label[] = ['crawl.table-closed', 'crawl.before-save', 'crawl.after-save', 'crawl.before-end'];

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

function lake(): Record<string, string> {
  const files: Record<string, string> = { 'readings.csv': CSV, 'a.json': '{"x":1}\n' };
  for (let i = 0; i < 5; i += 1) {
    for (let j = 0; j < 4; j += 1) files[`t${i}/dt=2026-01-0${j + 1}/x.csv`] = CSV;
    files[`t${i}/sub/deep/y.json`] = '{"y":"z"}\n';
  }
  return files;
}

/** Throws at the n-th time that a label is reached. */
function crashAt(label: Label, n: number): () => void {
  let count = 0;
  return onReached((reached) => {
    if (reached !== label) return;
    count += 1;
    if (count === n) throw new Error(`crash at ${label}`);
  });
}

/** Crawls, crashing at every chance in turn, until an attempt comes through. */
async function crawlWithCrashes(at: Lab, crashes: readonly [Label, number][], root = at.root): Promise<unknown> {
  const run = crypto.randomUUID();
  const options = { crawler: scripted({ checkpoints: 3 }), run, options: { url: pathToFileURL(root).href } };
  for (const [label, n] of crashes) {
    const off = crashAt(label, n);
    try {
      await at.crawl(options);
    } catch (error) {
      expect(String(error)).toContain('crash at');
    } finally {
      off();
    }
  }
  const { state, result } = await at.crawl(options);
  expect(state).toBe('SUCCEEDED');
  const { tables, partitions, objects, unknown } = result;
  return { tables, partitions, objects, unknown };
}

describe('a crawl that crashed', () => {
  it('goes on, and comes to what one that never crashed comes to', async () => {
    lab.put(lake());
    const whole = await lab.crawl({ name: 'whole', database: 'whole', crawler: scripted({ checkpoints: 3 }) });
    const expected = await lab.catalog();
    const { tables, partitions, objects } = whole.result;
    for (const label of LABELS) {
      for (const n of [1, 2, 4]) {
        const other = await openLab();
        try {
          expect(await crawlWithCrashes(other, [[label, n]], lab.root)).toEqual({ tables, partitions, objects, unknown: 0 });
          expect(relative(await other.catalog())).toEqual(relative(expected));
        } finally {
          await other.close();
        }
      }
    }
  }, 120_000);

  it('goes on before what a save that took several transactions did not come to', async () => {
    const files = Array.from({ length: 12 }, (_, i) =>
      Array.from({ length: 5 }, (__, j) => [`t${String(i).padStart(2, '0')}/n=${j}/x.csv`, CSV]),
    );
    lab.put(Object.fromEntries(files.flat()));
    const run = crypto.randomUUID();
    // Checkpoints that lie within tables too: nobody may go on there, or the first half of a table would seem to be gone.
    const options = { crawler: scripted({ checkpoints: 7 }), limits: { transactionRows: 9 }, run };
    for (let n = 1; n < 30; n += 1) {
      let saves = 0;
      const off = lab.onSave(() => {
        saves += 1;
        if (saves === 2) throw new Error('crash in a save');
      });
      const crashed = await lab.crawl(options).then(
        () => false,
        () => true,
      );
      off();
      if (!crashed) break;
    }
    const catalog = await lab.catalog();
    expect(catalog.map(({ partitions }) => partitions.length)).toEqual(Array.from({ length: 12 }, () => 5));
  });

  it('removes what was gone before the crash, though it goes on after it', async () => {
    lab.put(lake());
    await lab.crawl();
    lab.put({ t1: undefined, 't3/dt=2026-01-02': undefined });
    await crawlWithCrashes(lab, [
      ['crawl.table-closed', 9],
      ['crawl.before-save', 2],
      ['crawl.before-end', 1],
    ]);
    const catalog = await lab.catalog();
    expect(catalog.map(({ name }) => name).filter((name) => name === 't1')).toEqual([]);
    expect(catalog.find(({ name }) => name === 't3')?.partitions).toHaveLength(3);
    expect(catalog.find(({ name }) => name === 't4')?.partitions).toHaveLength(4);
  });

  it('does not list again what it had saved', async () => {
    lab.put(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`t${String(i).padStart(2, '0')}/x.csv`, CSV])));
    const run = crypto.randomUUID();
    const off = crashAt('crawl.before-save', 5);
    await expect(lab.crawl({ crawler: scripted({ checkpoints: 3 }), run })).rejects.toThrow('crash');
    off();
    const again: string[] = [];
    const { result } = await lab.crawl({ crawler: scripted({ checkpoints: 3, onObject: (path) => again.push(path) }), run });
    expect(again.length).toBeLessThan(24);
    expect(again[0]).not.toBe('t00/x.csv');
    expect(result).toMatchObject({ tables: 30, objects: 30, added: 30, removed: 0 });
    expect(await lab.catalog()).toHaveLength(30);
  });

  it('keeps what was unknown before the crash unknown', async () => {
    lab.put(lake());
    await lab.crawl();
    const before = await lab.catalog();
    const run = crypto.randomUUID();
    const crawler = scripted({ checkpoints: 2, unknown: 't0' });
    const off = crashAt('crawl.table-closed', 8);
    await expect(lab.crawl({ crawler, run })).rejects.toThrow('crash');
    off();
    const { state, result } = await lab.crawl({ crawler, run });
    expect([state, result.unknown, result.removed]).toEqual(['INCOMPLETE', 1, 0]);
    expect(await lab.catalog()).toEqual(before);
  });

  it('can be stopped, keeps its checkpoint, and goes on', async () => {
    lab.put(lake());
    const run = crypto.randomUUID();
    const stop = new AbortController();
    let objects = 0;
    const crawler = scripted({
      checkpoints: 3,
      onObject: () => {
        objects += 1;
        if (objects === 15) stop.abort();
      },
    });
    const stopped = await lab.crawl({ crawler, run, signal: stop.signal });
    expect(stopped.state).toBe('STOPPED');
    const { state, result } = await lab.crawl({ crawler: scripted({ checkpoints: 3 }), run });
    expect([state, result.objects]).toEqual(['SUCCEEDED', 27]);
    expect(await lab.catalog()).toHaveLength(12);
  });
});

/** Places relative to whichever lake it was. */
function relative(tables: readonly CatalogTable[]): unknown {
  return JSON.parse(JSON.stringify(tables).replaceAll(/file:\/\/\/[^"]*?tenon-lake-[^/"]*\//g, ''));
}

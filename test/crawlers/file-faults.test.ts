import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownLines } from '../crawl/known-lines.ts';
import { openLab, type Lab } from '../crawl/lab.ts';

/** What is asked of the disk below a folder, counted; one of the calls fails instead of being made. */
const disk = { below: '\0', calls: [] as string[], failAt: -1, code: 'EIO' };

/** Whoever has imported them calls these from now on; the returned function gives the true ones back. */
function countCalls(): () => void {
  const names = ['readdir', 'lstat', 'stat', 'realpath', 'open'] as const;
  const actual = Object.fromEntries(names.map((name) => [name, fs[name]]));
  const counted = names.map((name) => {
    const call = fs[name] as (...args: unknown[]) => Promise<unknown>;
    return async (...args: unknown[]): Promise<unknown> => {
      if (!String(args[0]).startsWith(disk.below)) return call(...args);
      const number = disk.calls.push(name) - 1;
      if (number === disk.failAt) throw Object.assign(new Error(`${disk.code}: told to fail`), { code: disk.code });
      return call(...args);
    };
  });
  const replace = (by: object): void => {
    Object.assign(fs, by);
    syncBuiltinESMExports();
  };
  replace(Object.fromEntries(names.map((name, i) => [name, counted[i]])));
  return () => replace(actual);
}

describe('a crawl of files whose Nth call to the disk fails', () => {
  let lab: Lab;
  let changes = 0;
  let restore: () => void;

  beforeAll(async () => {
    restore = countCalls();
    lab = await openLab();
    lab.put({
      'sales/dt=2026-01-01/a.csv': 'id,amount\n1,1.5\n',
      'sales/dt=2026-01-02/a.csv': 'id,amount\n2,1.5\n',
      'stores/a.csv': 'id,city\n1,Bern\n',
    });
    expect(await lab.crawl()).toMatchObject({ state: 'SUCCEEDED', result: { tables: 2 } });
  });
  afterAll(async () => {
    restore();
    await lab.close();
  });

  async function crawl(failAt: number) {
    changes += 1;
    lab.put({ [`sales/dt=2027-01-01/${changes}.csv`]: `id,amount\n${changes},2.5\n` });
    Object.assign(disk, { below: lab.root, calls: [], failAt });
    const end = await lab.crawl();
    const call = disk.calls[failAt];
    disk.below = '\0';
    return { ...end, call, calls: disk.calls.length };
  }

  // That a file is not there any more when it is asked for is the truth, and no error: its folder has named it before it went.
  const told = (code: string, call: string | undefined): boolean => code === 'ENOENT' && (call === 'lstat' || call === 'stat');

  it.each(['EACCES', 'EIO', 'ENOENT'])(
    'removes nothing, says what is unknown, and the next crawl is whole: %s',
    async (code) => {
      const { calls, state } = await crawl(-1);
      expect(state).toBe('SUCCEEDED');
      expect(calls).toBeGreaterThan(12);
      disk.code = code;
      for (let index = 0; index < calls; index += 1) {
        const before = await knownLines(lab);
        const { state: now, result, error, call } = await crawl(index);
        const what = `${code} of ${call} ${index}: ${now} ${JSON.stringify(error ?? result.unknowns)}`;
        if (!told(code, call)) {
          const after = new Set(await knownLines(lab));
          const lost = before.filter((line) => !after.has(line));
          expect([lost, result.removed, result.partitionsRemoved], what).toEqual([[], 0, 0]);
          expect(now === 'FAILED' || (now === 'INCOMPLETE' && result.unknown > 0), what).toBe(true);
        }
        expect(await lab.crawl(), what).toMatchObject({ state: 'SUCCEEDED', result: { unknown: 0 } });
      }
      const log = await lab.changes();
      await lab.crawl();
      expect(await lab.changes()).toBe(log);
    },
    60_000,
  );
});

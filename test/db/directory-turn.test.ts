import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inTurn } from '../../src/db/directory-turn.ts';
import { startScript } from '../servers/script.ts';
import { removeFolders, temporaryFolder } from './embedded.ts';

afterAll(removeFolders);

describe('inTurn', () => {
  it('lets one after the other in, whatever becomes of each', async () => {
    const folder = join(await temporaryFolder(), 'turn');
    let inside = 0;
    const visits = Array.from({ length: 20 }, (_, n) =>
      inTurn(folder, async () => {
        expect(++inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
        if (n % 3 === 0) throw new Error('lost');
        return n;
      }),
    );
    const results = await Promise.allSettled(visits);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(7);
    expect(await readdir(folder)).toHaveLength(1);
  });

  it('passes to the next when the process that had it was killed', async () => {
    const folder = join(await temporaryFolder(), 'turn');
    const script = startScript(new URL('scripts/turn.ts', import.meta.url), [folder]);
    await script.said();
    const mine = inTurn(folder, () => Promise.resolve('mine'));
    script.kill('SIGKILL');
    expect(await mine).toBe('mine');
  });

  it('does not take a process for the one that had the number before', async () => {
    const folder = join(await temporaryFolder(), 'turn');
    await inTurn(folder, () => Promise.resolve());
    await writeFile(join(folder, '7'), `${process.pid} 12345@another-boot`);
    expect(await inTurn(folder, () => Promise.resolve('mine'))).toBe('mine');
  });

  it('is never had by two processes, though some are killed while they have it', async () => {
    const folder = join(await temporaryFolder(), 'turn');
    const scripts = Array.from({ length: 4 }, () => startScript(new URL('scripts/turns.ts', import.meta.url), [folder]));
    const [first, second, ...others] = scripts;
    for (const victim of [first, second]) {
      await victim?.said();
      victim?.kill('SIGKILL');
    }
    const said = await Promise.all(others.map(async (script) => [await script.said(), await script.said()]));
    for (const [, end] of said) expect(end).toEqual({ met: [] });
  });
});

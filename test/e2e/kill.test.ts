import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tmpdir } from 'node:os';
import { LABELS, type Label } from '../../src/model/reached.ts';
import { FAULTS, type Scene } from '../faults.ts';
import { ask, tenon } from './command.ts';
import { JOB, layOrders, ordersOf } from './orders.ts';
import { pictureOf } from './picture.ts';

/**
 * A process is killed where it would hurt most, at each label, and the command is given again. The catalog must then be
 * what it is after a command that nobody killed.
 */
let folder: string;
let lake: string;
/** What the scene must lead to. */
const wanted = new Map<Scene, unknown>();

/** The commands of a scene: what leads up to it is done once, the last command is the one that is killed. */
const SCENES: Readonly<Record<Scene, { readonly before: readonly string[][]; readonly killed: readonly string[] }>> = {
  'first start': { before: [], killed: ['crawl', 'LAKE', '--database', 'lake'] },
  crawl: { before: [['tables']], killed: ['crawl', 'LAKE', '--database', 'lake'] },
  job: { before: [['crawl', 'LAKE', '--database', 'lake']], killed: ['job', 'run', JOB, '--param', 'OUT=DATA-out'] },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-kill-'));
  lake = join(folder, 'lake');
  await layOrders(lake, '2026-11-18', 'a.csv', ordersOf(1, 50));
  await layOrders(lake, '2026-11-19', 'a.csv', ordersOf(51, 50));
  await layOrders(lake, '2026-11-19', 'b.csv', ordersOf(101, 50));
  for (const scene of Object.keys(SCENES) as Scene[]) {
    const base = baseOf(scene);
    await mkdir(base, { recursive: true });
    for (const command of SCENES[scene].before) await ask(on(base, command));
    const whole = join(folder, `whole ${scene}`);
    await copy(base, whole);
    await ask(on(whole, SCENES[scene].killed));
    wanted.set(scene, await comparable(whole));
  }
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a process that is killed', () => {
  for (const [label, { scene, means }] of Object.entries(FAULTS) as [Label, (typeof FAULTS)[Label]][]) {
    it(`leaves nothing wrong at ${label}: ${means}`, async () => {
      const data = join(folder, label);
      await copy(baseOf(scene), data);
      const command = on(data, SCENES[scene].killed);
      expect((await tenon(command, { killAt: label })).signal).toBe('SIGKILL');
      await ask(command);
      expect(await comparable(data)).toEqual(wanted.get(scene));
    }, 60_000);
  }
});

describe('the list of labels', () => {
  it('has every label that the source calls, and no other', async () => {
    const called = new Set<string>();
    for (const file of await readdir('src', { recursive: true })) {
      if (!file.endsWith('.ts') || file === 'model/reached.ts') continue;
      for (const [, label = ''] of (await readFile(join('src', file), 'utf8')).matchAll(/reached\('([^']+)'\)/g))
        called.add(label);
    }
    expect([...called].toSorted()).toEqual([...LABELS].toSorted());
    expect(Object.keys(FAULTS).toSorted()).toEqual([...LABELS].toSorted());
  });
});

/** With its owners: Postgres refuses files that are not its user's. */
async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to]);
}

function baseOf(scene: Scene): string {
  return join(folder, `base ${scene}`);
}

function on(data: string, command: readonly string[]): string[] {
  return [...command.map((word) => word.replace('LAKE', lake).replace('DATA', data)), '--data', data];
}

/** Without the one thing that must differ: where the job of this copy wrote. */
async function comparable(data: string): Promise<unknown> {
  return JSON.parse(
    JSON.stringify(await pictureOf(data))
      .replaceAll(encodeURI(data), 'DATA')
      .replaceAll(data, 'DATA'),
  );
}

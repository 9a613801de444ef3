import { link, mkdir, readFile, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TenonError } from '../model/errors.ts';
import { processStart } from './process-start.ts';

const POLL_MS = 20;
const TIMEOUT_MS = 120_000;

/**
 * Runs `fn` while no other process does so in the same folder. It guards the short moments in which a server is made,
 * started or stopped; who *owns* the directory is decided elsewhere (own.ts). Node has no file locks, so this is done
 * with numbered files: the highest number has the turn until its process dies or says that it is done, and the next
 * number is created by `link`, which only one process can do. The highest file is never deleted, so a slow process
 * cannot re-create a number that is past and believe in it.
 */
export async function inTurn<T>(folder: string, fn: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const mine = await takeTurn(folder);
  try {
    return await fn();
  } finally {
    await replace(join(folder, String(mine)), DONE);
  }
}

const DONE = 'done';

async function takeTurn(folder: string): Promise<number> {
  const me = `${process.pid} ${await processStart(process.pid)}`;
  for (const deadline = Date.now() + TIMEOUT_MS; ; await sleep(POLL_MS)) {
    const last = Math.max(0, ...(await numbers(folder)));
    if (last === 0 || (await isOver(join(folder, String(last))))) {
      if (await claim(folder, last + 1, me)) return last + 1;
      continue;
    }
    if (Date.now() > deadline) throw stuck(folder, await readFile(join(folder, String(last)), 'utf8'));
  }
}

async function claim(folder: string, number: number, me: string): Promise<boolean> {
  const mine = join(folder, String(number));
  const draft = await write(folder, me);
  const created = await link(draft, mine).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
  await unlink(draft);
  if (!created) return false;
  const others = (await numbers(folder)).filter((other) => other !== number);
  if (others.some((other) => other > number)) {
    await unlink(mine).catch(() => {});
    return false;
  }
  for (const other of others) await unlink(join(folder, String(other))).catch(() => {});
  return true;
}

async function numbers(folder: string): Promise<number[]> {
  return (await readdir(folder)).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function isOver(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => DONE);
  if (text === DONE) return true;
  const [pid, start] = text.split(' ');
  return (await processStart(Number(pid))) !== start;
}

async function replace(file: string, text: string): Promise<void> {
  const draft = await write(join(file, '..'), text);
  await rename(draft, file);
}

let drafts = 0;

async function write(folder: string, text: string): Promise<string> {
  const draft = join(folder, `draft-${process.pid}-${drafts++}`);
  await writeFile(draft, text);
  return draft;
}

function stuck(folder: string, holder: string): TenonError {
  const pid = Number(holder.split(' ')[0]);
  return new TenonError(
    'DATA_DIRECTORY',
    `The process ${pid} has been starting or stopping the database in ${folder} for too long. Stop it and try again.`,
    { pid },
  );
}

import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { joinAddress } from '../connections/address.ts';
import type { Connections } from '../connections/connections.ts';
import { fileError } from '../connections/file-errors.ts';
import type { ObjectStore } from '../connections/object-store.ts';
import type { Ground } from '../db/db.ts';
import { parseTableName } from '../model/names.ts';
import type { RunContext } from '../work/run.ts';
import type { Job } from './job.ts';

interface AttemptDeps {
  readonly ground: Ground;
  readonly connections: Connections;
}

/** Where this attempt writes, and what attempts before it may have left. */
export interface Attempt {
  readonly store: ObjectStore;
  readonly address: string;
  /** The local folder that the engine writes into. */
  readonly folder: string;
  readonly earlier: readonly string[];
}

/**
 * A hidden folder of its own for each attempt, so that no two ever write the same file. Its address is kept with the run
 * before the first byte is written: whoever cleans up after a crash finds it there.
 */
export async function openAttempt(
  { ground, connections }: AttemptDeps,
  context: RunContext,
  job: Job,
  folder: string,
): Promise<Attempt> {
  const store = await connections.objectStore(job.output.location, job.output.connection);
  const { database, table } = parseTableName(job.output.table);
  const address = joinAddress(
    job.output.location,
    `_t/${encodeURIComponent(`${database}.${table}`)}/${context.run.id}/${context.attempt}`,
  );
  const earlier = attemptsIn(context.checkpoint).filter((each) => each !== address);
  await ground.db.transaction((tx) =>
    context.saveCheckpoint(tx, { attempts: [...earlier, address], connection: job.output.connection ?? null }),
  );
  const local = store.localPath?.(address) ?? join(folder, 'out');
  try {
    await mkdir(dirname(local), { recursive: true });
    // Not recursive: a folder that is there already is another attempt's, and its files are not ours to remove.
    await mkdir(local);
  } catch (error) {
    throw fileError(error, local);
  }
  return { store, address, folder: local, earlier };
}

function attemptsIn(checkpoint: unknown): string[] {
  const attempts = typeof checkpoint === 'object' && checkpoint !== null && 'attempts' in checkpoint ? checkpoint.attempts : [];
  return Array.isArray(attempts) ? attempts.filter((each) => typeof each === 'string') : [];
}

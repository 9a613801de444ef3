import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/db/open-db.ts';
import { findServer } from '../../src/db/running-server.ts';

/** For tests that are not about what a power cut leaves: hundreds of fsyncs take seconds on a busy disk. */
export const QUICK = { settings: { fsync: 'off' } };

const made: string[] = [];

/** A folder of one's own that others may pass, until `removeFolders`. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-db-'));
  await chmod(folder, 0o755);
  made.push(folder);
  return folder;
}

/** For the end of a file: the folders that it made go, and so do servers left in them. */
export async function removeFolders(): Promise<void> {
  for (const folder of made.splice(0)) {
    await stopLeft(folder);
    await makeRemovable(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whoever is not root cannot empty the folders that a test has made read-only. */
async function makeRemovable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const path of await readdir(folder, { withFileTypes: true })) {
    if (path.isDirectory()) await makeRemovable(join(folder, path.name));
  }
}

async function stopLeft(folder: string): Promise<void> {
  await (await findServer(join(folder, 'postgres')))?.stop();
}

export async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = await connect(url);
  return client.query(statement).then(
    ({ rows }) => client.end().then(() => rows),
    (error: unknown) => client.end().then(() => Promise.reject(error)),
  );
}

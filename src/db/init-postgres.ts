import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, open, readFile, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TenonError } from '../model/errors.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { unsupported } from './postgres-binaries.ts';
import type { PostgresUser } from './postgres-user.ts';

/** The role that owns everything, and the name of the database. */
export const ROLE = 'tenon';

const MAJOR = '17';

/**
 * Makes the folder of a new database, or checks the one that is there. A new one is made beside its place and moved
 * there when it is whole, so whoever is killed on the way leaves nothing that looks like a database. Call it in turn.
 */
export async function initPostgres(
  pgdata: string,
  binaries: PostgresBinaries,
  user: PostgresUser,
  durable: boolean,
): Promise<void> {
  if (existsSync(pgdata)) return checkVersion(pgdata);
  await removeDrafts(pgdata);
  const draft = await mkdtemp(`${pgdata}${DRAFT}`);
  if (user.uid !== undefined && user.gid !== undefined) await chown(draft, user.uid, user.gid);
  await runInitdb(draft, binaries, user, durable);
  await writeAccess(draft, user);
  await rename(draft, pgdata);
  await syncFolder(dirname(pgdata));
}

const DRAFT = '.new-';

/** What was left by those who were killed on the way. Their initdb may still be running for a moment: then the next start removes it. */
async function removeDrafts(pgdata: string): Promise<void> {
  for (const name of await readdir(dirname(pgdata))) {
    if (!name.startsWith(basename(pgdata) + DRAFT)) continue;
    await rm(join(dirname(pgdata), name), { recursive: true, force: true }).catch(() => {});
  }
}

/**
 * Who may connect: over the Unix socket alone, and by what the kernel says about the process at the other end (`peer`),
 * so there is no password to keep. Written into the folder of the database.
 */
async function writeAccess(pgdata: string, user: PostgresUser): Promise<void> {
  const names = user.names.map((name) => `tenon "${name.replaceAll('"', '""')}" ${ROLE}\n`);
  await writeFile(join(pgdata, 'pg_hba.conf'), `local all ${ROLE} peer map=tenon\n`);
  await writeFile(join(pgdata, 'pg_ident.conf'), names.join(''));
}

async function checkVersion(pgdata: string): Promise<void> {
  const version = (await readFile(join(pgdata, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (version === MAJOR) return;
  const found =
    version === ''
      ? 'is not the folder of a Postgres database'
      : `was made by Postgres ${version}, and this is Postgres ${MAJOR}`;
  throw new TenonError(
    'DATA_DIRECTORY',
    `${pgdata} ${found}. Start with another data directory and restore a backup into it, or move this folder away.`,
    { folder: pgdata, version },
  );
}

/** Checksums find pages that the disk has spoiled. The locale is Postgres's own, so sorting never depends on the machine's. */
async function runInitdb(folder: string, binaries: PostgresBinaries, user: PostgresUser, durable: boolean): Promise<void> {
  const options = ['--username', ROLE, '--encoding=UTF8', '--auth=peer', '--data-checksums', '--no-instructions'];
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const { program, args, ...as } = user.command(binaries.initdb, [
    '--pgdata',
    folder,
    ...options,
    ...locale,
    ...(durable ? [] : ['--no-sync']),
  ]);
  const env = { ...CLEAN_ENV, ...binaries.env };
  const child = spawn(program, args, { ...as, env, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(cannotRun(error)));
    child.on('close', resolve);
  });
  if (code === 0) return;
  const failure = await postgresFailed('The database could not be created', said, folder);
  await rm(folder, { recursive: true, force: true });
  throw failure;
}

/** Nothing of the caller's environment: PG* variables and locales would change what Postgres does. */
export const CLEAN_ENV = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' };

/** The program is there, so ENOENT means that its loader is not. */
export function cannotRun(error: NodeJS.ErrnoException): TenonError {
  if (error.code === 'ENOENT')
    return unsupported('The embedded Postgres does not run on this system (musl, as in Alpine Linux?)', error);
  return new TenonError('DATA_DIRECTORY', `Postgres could not be started: ${error.message}.`, {}, { cause: error });
}

/** Less than this, and a server that gave no reason is taken to have died of a full disk: it could not even write why. */
const FULL_BYTES = 1024 * 1024;

/** Turns what Postgres printed before it gave up into an error that says what to do. */
export async function postgresFailed(what: string, said: string, folder: string): Promise<TenonError> {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const line =
    lines.find((l) => /(FATAL|PANIC|error):/.test(l)) ?? lines.findLast((l) => /could not|cannot/.test(l)) ?? lines.at(-1);
  const reason = line?.replace(/^.*?(FATAL|PANIC|error): +/, '') ?? 'it gave no reason';
  const { bavail, bsize } = await statfs(folder);
  const full = /No space left on device|Disk quota exceeded|Check free disk space/.test(said) || bavail * bsize < FULL_BYTES;
  return new TenonError(full ? 'DISK_FULL' : 'DATA_DIRECTORY', `${what} in ${folder}: ${reason}.`, { folder });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { TenonError } from '../model/errors.ts';

/**
 * As whom Postgres runs. It refuses root, so root hands it to another user, who then owns the folder of the database.
 * `uid` and `gid` are undefined where it runs as ourselves.
 */
export interface PostgresUser {
  readonly uid?: number;
  readonly gid?: number;
  /** Names of the system users who may connect: the one that it runs as, and root, who can do as he likes anyway. */
  readonly names: readonly string[];
  /** How to spawn a program as this user. */
  command(program: string, args: readonly string[]): Command;
}

interface Command {
  readonly program: string;
  readonly args: string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** Who owns the database when root starts it for the first time: the one user that every Unix has for such purposes. */
const NOBODY = 'nobody';

/**
 * Chooses the user: ourselves, or for root the owner of the database, for a new one the owner of the data directory, and
 * where that is root himself, `nobody`. `programs` are paths that this user must reach, besides the database.
 *
 * A folder on the way that is closed to others (as root's home is) is opened to Postgres alone, by a capability that
 * root hands down with `setpriv`. Where that is impossible, and where somebody else owns the database, throws DATA_DIRECTORY.
 */
export async function postgresUser(pgdata: string, programs: readonly string[]): Promise<PostgresUser> {
  const owner = (await stat(existsSync(pgdata) ? pgdata : dirname(pgdata))).uid;
  if (process.geteuid?.() !== 0) return ourselves(pgdata, owner);
  const account = await findAccount(owner === 0 ? NOBODY : String(owner));
  const { uid, gid } = account;
  const names = [...new Set([account.name, 'root'])];
  const closed = await firstClosed([pgdata, ...programs], account);
  if (closed === undefined) return { uid, gid, names, command: (program, args) => ({ program, args: [...args], uid, gid }) };
  const setpriv = await setprivTo(account);
  if (setpriv === undefined) throw closedFolder(closed, account.name);
  return {
    uid,
    gid,
    names,
    command: (program, args) => ({ program: setpriv.program, args: [...setpriv.args, program, ...args] }),
  };
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function ourselves(pgdata: string, owner: number): PostgresUser {
  if (existsSync(pgdata) && owner !== process.geteuid?.()) {
    throw new TenonError(
      'DATA_DIRECTORY',
      `${pgdata} belongs to the user ${owner}. Run Tenon as that user or as root, or use another data directory.`,
    );
  }
  return { names: [...new Set([ourName(), 'root'])], command: (program, args) => ({ program, args: [...args] }) };
}

/** Postgres itself wants a name for the user that it runs as; in a container started with a bare number there is none. */
function ourName(): string {
  try {
    return userInfo().username;
  } catch (cause) {
    const uid = process.geteuid?.();
    const message = `The user ${uid} has no name, and Postgres needs one. Give it a line in /etc/passwd, or name a database in TENON_DATABASE_URL.`;
    throw new TenonError('DATA_DIRECTORY', message, {}, { cause });
  }
}

/** By name or number, from wherever this system keeps its users. */
async function findAccount(user: string): Promise<Account> {
  const { stdout } = await promisify(execFile)('id', [user]).catch(() => ({ stdout: '' }));
  const [, uid, name, gid] = /^uid=(\d+)\(([^)]*)\) gid=(\d+)/.exec(stdout) ?? [];
  if (name !== undefined) return { name, uid: Number(uid), gid: Number(gid) };
  throw new TenonError(
    'DATA_DIRECTORY',
    `Postgres does not run as root, and the user ${user} has no name here. Run Tenon as another user.`,
  );
}

/** The first folder on the way to one of the paths through which the account may not pass. */
async function firstClosed(paths: readonly string[], account: Account): Promise<string | undefined> {
  for (const folder of paths.flatMap((path) => parents(resolve(path)))) {
    const { mode, uid, gid } = await stat(folder);
    const passable = uid === account.uid ? mode & 0o100 : gid === account.gid ? mode & 0o010 : mode & 0o001;
    if (!passable) return folder;
  }
  return undefined;
}

function parents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...parents(parent), parent];
}

/**
 * Without `no_setuid_fixup` the system call `access`, by which initdb looks for Postgres, would leave the capability out
 * of account. Other capabilities than the one named do not survive the start of the program.
 */
async function setprivTo({ uid, gid }: Account): Promise<{ program: string; args: string[] } | undefined> {
  const program = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  const capability = await passingCapability();
  if (program === undefined || capability === undefined) return undefined;
  const capabilities = [`--inh-caps=+${capability}`, `--ambient-caps=+${capability}`, '--securebits=+no_setuid_fixup'];
  return { program, args: [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...capabilities, '--'] };
}

const DAC_OVERRIDE = 1n << 1n;
const DAC_READ_SEARCH = 1n << 2n;
const SETPCAP = 1n << 8n;

/** The weakest capability among ours that passes closed folders, if we may hand it down. Containers often withhold the first. */
async function passingCapability(): Promise<string | undefined> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const ours = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  if (!(ours & SETPCAP)) return undefined;
  if (ours & DAC_READ_SEARCH) return 'dac_read_search';
  return ours & DAC_OVERRIDE ? 'dac_override' : undefined;
}

function closedFolder(folder: string, user: string): TenonError {
  return new TenonError(
    'DATA_DIRECTORY',
    `Postgres does not run as root but as ${user}, who may not pass the folder ${folder}. ` +
      'Use a data directory elsewhere (--data), run Tenon as another user, or open the folder with chmod o+x.',
    { folder, user },
  );
}

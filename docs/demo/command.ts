import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { printed, typed } from './show.ts';

const MAIN = fileURLToPath(new URL('../../bin/main.js', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as a person would, and shows what was typed and what came back. */
export type Command = (
  args: readonly string[],
  options?: { env?: Record<string, string>; expect?: number; quiet?: boolean },
) => Promise<Outcome>;

export function commandOn(dataDir: string, shownDir: string): Command {
  return async (args, { env = {}, expect = 0, quiet = false } = {}) => {
    const outcome = await run([...args, '--data', dataDir], env);
    if (!quiet) {
      typed(`npx tenon ${args.map(quote).join(' ')}${args[0] === 'serve' ? ` --data ${shownDir}` : ''}`);
      printed(outcome.stdout);
    }
    if (outcome.code !== expect) {
      throw new Error(
        `tenon ${args.join(' ')} ended with ${outcome.code}, expected ${expect}:\n${outcome.stdout}\n${outcome.stderr}`,
      );
    }
    return outcome;
  };
}

/** The answer of a command with --json, for the demo's own checks. */
export async function ask<T>(command: Command, args: readonly string[], expect = 0): Promise<T> {
  return JSON.parse((await command([...args, '--json'], { quiet: true, expect })).stdout) as T;
}

function run(args: readonly string[], env: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code: code ?? -1, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}

export interface Serving {
  /** `http://127.0.0.1:41234` */
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts the server in the background, on a port that is free; resolves when it answers. */
export async function serve(dataDir: string): Promise<Serving> {
  const child = spawn(process.execPath, [MAIN, 'serve', '--data', dataDir, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  for await (const line of createInterface({ input: child.stdout })) {
    const { serving } = JSON.parse(line) as { serving: { address: string } };
    return { address: serving.address, pid: child.pid ?? 0, stop: () => stop(child) };
  }
  throw new Error(`The server did not start:\n${Buffer.concat(errors).toString()}`);
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('close', () => resolve());
    child.kill('SIGTERM');
  });
}

function quote(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `"${word.replaceAll('"', '\\"')}"`;
}

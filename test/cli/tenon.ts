import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../until.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'bin', 'main.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  stdout(): string;
}

type Env = Readonly<Record<string, string>>;

/** Starts the built program as a person would, with nothing of our own TENON_* settings. */
export function start(args: readonly string[], { env = {}, stdin }: { env?: Env; stdin?: string } = {}): Started {
  if (!existsSync(MAIN)) throw new Error('These tests run the built program. Run: npm run build');
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TENON_')));
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...inherited, ...env }, stdio: 'pipe' });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.end(stdin ?? '');
  const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout: text(out), stderr: text(err) }));
  });
  return { process: child, pid: child.pid ?? -1, ended, stdout: () => text(out) };
}

/** Runs one command to its end. */
export function run(args: readonly string[], options?: { env?: Env; stdin?: string }): Promise<Ended> {
  return start(args, options).ended;
}

export interface Serving extends Started {
  /** `http://127.0.0.1:…`. */
  readonly address: string;
  stop(): Promise<Ended>;
}

/** A server on a port of its own, once it answers. */
export async function serve(dataDir: string, options?: { env?: Env }): Promise<Serving> {
  const started = start(['serve', '--data', dataDir, '--port', '0'], options);
  const ended = started.ended.then(({ stderr }) => new Error(`The server did not start: ${stderr}`));
  const found = until('the server says where it is', () => /http:\/\/[\d.:]+(?=\s)/.exec(started.stdout())?.[0], 30_000);
  const address = await Promise.race([found, ended]);
  if (address instanceof Error) throw address;
  return {
    ...started,
    address,
    stop() {
      started.process.kill('SIGTERM');
      return started.ended;
    },
  };
}

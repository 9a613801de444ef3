import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../until.ts';

/** A TypeScript file that runs in a process of its own, so that a test can kill it, or have it run as somebody else. */
export interface Script {
  readonly pid: number;
  /** The next line that it printed on stdout, parsed as JSON. */
  said(): Promise<Record<string, unknown>>;
  tell(line: string): void;
  kill(signal: NodeJS.Signals): void;
  /** With the signal that ended it or its exit code. */
  readonly ended: Promise<NodeJS.Signals | number | null>;
}

export interface ScriptOptions {
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** A command line to start it through, such as setpriv with its options. */
  readonly through?: readonly string[];
}

/** Node 20 cannot run TypeScript by itself; this loader can. */
const LOADER = import.meta.resolve('tsx');

export function startScript(file: URL, args: readonly string[], options: ScriptOptions = {}): Script {
  const { uid, gid, env, through = [] } = options;
  const [program = '', ...rest] = [...through, process.execPath, '--import', LOADER, fileURLToPath(file), ...args];
  const child = spawn(program, rest, {
    cwd: '/',
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  });
  const lines: string[] = [];
  let errors = '';
  let over = false;
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdin.on('error', () => {});
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.on('close', (code, signal) => resolve(signal ?? code)),
  );
  void ended.then(() => (over = true));
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => child.kill(signal),
    tell: (line) => child.stdin.write(`${line}\n`),
    said: async () => {
      await until('a line from the script', () => lines.length > 0 || over, 60_000);
      const line = lines.shift();
      if (line === undefined) throw new Error(`The script ended without a word.\n${errors}`);
      return JSON.parse(line) as Record<string, unknown>;
    },
  };
}

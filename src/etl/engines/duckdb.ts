import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileError } from '../../connections/file-errors.ts';
import { TenonError } from '../../model/errors.ts';
import type { Engine, EngineSession, Input, SessionOptions } from '../engine.ts';
import { engineError } from './duckdb-errors.ts';
import { layLinks, type Links } from './duckdb-links.ts';
import type { ChildSettings, Reply, Request, Verb, Verbs } from './duckdb-protocol.ts';

/** How long a child that was interrupted, or asked to end, may take before it is killed. */
const GRACE_MS = 2_000;
const MAX_STDERR_CHARS = 8_000;

/** DuckDB in a process of its own for each session: see duckdb-child.ts for what that process may do. */
export function createDuckdbEngine(): Engine {
  return { name: 'duckdb', open: openSession };
}

interface Waiting {
  readonly done: (reply: Reply) => void;
  readonly failed: (error: TenonError) => void;
}

interface Child {
  readonly process: ChildProcess;
  readonly waiting: Map<number, Waiting>;
  stderr: string;
  /** A verb was under way when it was ended. */
  wasWorking: boolean;
  /** Why the session is at its end, once it is: every later verb fails with it. */
  over: TenonError | undefined;
}

function openSession(options: SessionOptions): EngineSession {
  const child = startChild(options);
  const linksFolder = linksFolderOf(realpathSync(options.folder));
  let lastId = 0;
  const stop = (error: TenonError): void => {
    if (child.over !== undefined) return;
    child.over = error;
    child.wasWorking = child.waiting.size > 0;
    endChild(child);
    for (const { failed } of child.waiting.values()) failed(error);
    child.waiting.clear();
  };
  const timer = setTimeout(() => stop(timeoutError(options.timeoutMs)), options.timeoutMs);
  const onAbort = (): void => stop(new TenonError('STOPPED', 'The run was stopped.'));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted === true) onAbort();

  const ask = <V extends Verb>(verb: V, body: Verbs[V]['in'], links?: Links, onProgress?: (percent: number) => void) =>
    request<V>(child, { id: ++lastId, verb, body } as Request & { id: number }, links, onProgress);
  const lay = async (inputs: readonly Input[]): Promise<Links & { folder: string }> => {
    const folder = join(linksFolder, String(++lastId));
    try {
      mkdirSync(folder, { recursive: true });
      return { ...(await layLinks(folder, inputs)), folder };
    } catch (error) {
      throw fileError(error, folder);
    }
  };

  return {
    parse: (sql) => ask('parse', { sql }),
    describe: (query) => ask('describe', query),
    async query(plan) {
      const links = await lay(plan.inputs);
      return ask('query', { ...plan, inputs: links.inputs, folders: [links.folder], files: links.files }, links);
    },
    async write(plan, onProgress) {
      const links = await lay(plan.inputs);
      const folder = realpathSync(plan.folder);
      return ask(
        'write',
        { ...plan, folder, inputs: links.inputs, folders: [links.folder, folder], files: links.files },
        links,
        onProgress,
      );
    },
    async close() {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      stop(new TenonError('STOPPED', 'The session is closed.'));
      await endOf(child);
      await rm(linksFolder, { recursive: true, force: true });
    },
  };
}

function startChild(options: SessionOptions): Child {
  const temporary = join(options.folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const settings: ChildSettings = { memoryLimit: options.memoryLimit, threads: options.threads, temporary };
  const process_ = fork(childFile(), [JSON.stringify(settings)], {
    cwd: options.folder,
    // Nothing of ours: no keys, no passwords, no proxy. Times are UTC.
    env: { TZ: 'UTC' },
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const child: Child = { process: process_, waiting: new Map(), stderr: '', wasWorking: false, over: undefined };
  process_.stderr?.setEncoding('utf8').on('data', (text: string) => {
    child.stderr = (child.stderr + text).slice(-MAX_STDERR_CHARS);
  });
  process_.on('message', (message) => receive(child, message as Reply));
  const gone = (why: string): void => {
    const error = child.over ?? new TenonError('INTERNAL', `The engine ended unexpectedly: ${why}. ${child.stderr}`.trim());
    child.over ??= error;
    for (const { failed } of child.waiting.values()) failed(error);
    child.waiting.clear();
  };
  process_.on('error', (error) => gone(error.message));
  process_.on('exit', (code, signal) => gone(signal === null ? `exit code ${code}` : `signal ${signal}`));
  return child;
}

function receive(child: Child, reply: Reply): void {
  const waiting = child.waiting.get(reply.id);
  waiting?.done(reply);
  if (!('progress' in reply)) child.waiting.delete(reply.id);
}

function request<V extends Verb>(
  child: Child,
  message: Request & { id: number },
  links?: Links,
  onProgress?: (percent: number) => void,
): Promise<Verbs[V]['out']> {
  return new Promise((resolve, reject) => {
    if (child.over !== undefined) {
      reject(child.over);
      return;
    }
    child.waiting.set(message.id, {
      failed: reject,
      done(reply) {
        if ('progress' in reply) onProgress?.(reply.progress);
        else if ('failure' in reply) reject(engineError(reply.failure, links));
        // The child answers a verb with that verb's result.
        else resolve(reply.value as Verbs[V]['out']);
      },
    });
    child.process.send(message, (error) => {
      if (error !== null)
        child.waiting
          .get(message.id)
          ?.failed(new TenonError('INTERNAL', `The engine cannot be reached: ${error.message}`, {}, { cause: error }));
    });
  });
}

/**
 * Ends the child. One that is idle is killed at once, as it holds nothing but memory. One that works is interrupted first,
 * so that DuckDB lets go of its files, and killed when that takes too long.
 */
function endChild(child: Child): void {
  const { process: running } = child;
  if (child.waiting.size === 0 || !running.connected) {
    running.kill('SIGKILL');
    return;
  }
  running.send({ interrupt: true }, () => running.disconnect());
  const kill = setTimeout(() => running.kill('SIGKILL'), GRACE_MS);
  running.once('exit', () => clearTimeout(kill));
}

/**
 * Resolves when a child that was at work is gone, and writes no more. The end of an idle one is not waited for: giving
 * back a gigabyte of memory takes a busy machine seconds.
 */
function endOf(child: Child): Promise<void> {
  const { process: running, wasWorking } = child;
  if (!wasWorking || running.exitCode !== null || running.signalCode !== null || running.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => running.once('exit', () => resolve()));
}

/**
 * Where the links go. DuckDB reads every `name=value` of a path as a partition key, so a data directory with a `=` in its
 * own path would add columns.
 */
function linksFolderOf(folder: string): string {
  if (!folder.includes('=')) return join(folder, 'in');
  return mkdtempSync(join(tmpdir(), 'tenon-in-'));
}

/** The compiled child. Node runs no TypeScript, so from the sources the one in dist/ is taken. */
function childFile(): string {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.js')) return join(dirname(here), 'duckdb-child.js');
  const built = join(dirname(here), '../../../dist/src/etl/engines/duckdb-child.js');
  if (existsSync(built)) return built;
  throw new TenonError('INTERNAL', 'The engine is not built: run npm run build.');
}

function timeoutError(timeoutMs: number): TenonError {
  return new TenonError('TIMEOUT', `The engine was stopped after ${Math.round(timeoutMs / 1000)} s.`, { timeoutMs });
}

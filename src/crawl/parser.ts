import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TenonError } from '../model/errors.ts';
import type { ByteSource, Classification, ClassifyLimits } from './classifier.ts';
import type { ClassifierSpec } from './classifier-kind.ts';
import type { Action } from './delta-checkpoint.ts';
import type { FromParser, ToParser } from './parser-protocol.ts';

/** What a parser says about one file. `again`: the same has to be found out in this process to have all of it. */
export interface Parsed {
  readonly found: Omit<Classification, 'as'> | undefined;
  readonly again: boolean;
}

export interface ParserLimits {
  /** For one file, not counting the time in which its bytes are fetched. */
  readonly timeMs: number;
  readonly heapBytes: number;
}

/** One process that classifies one file at a time. It is started with the first and, after it had to be killed, anew. */
export interface Parser {
  classify(source: ByteSource, limits: ClassifyLimits, custom: readonly ClassifierSpec[]): Promise<Parsed>;
  /** What a checkpoint of a Delta log says. */
  checkpoint(source: ByteSource): Promise<readonly Action[]>;
  close(): void;
}

const MIB = 1024 * 1024;
/** Of the three halves of the young generation. */
const YOUNG_MIB = 4;

export function createParser(limits: ParserLimits): Parser {
  let child: ChildProcess | undefined;
  let closed = false;
  let onEnd: (error: TenonError) => void = () => undefined;
  const kill = (error: TenonError): void => {
    child?.kill('SIGKILL');
    child = undefined;
    onEnd(error);
  };
  const ask = async (source: ByteSource, message: ToParser): Promise<Answer> => {
    if (closed) throw stopped();
    // It may have died in the meantime: the system kills who takes much when it has little.
    const alive = child?.connected === true ? child : undefined;
    const own = alive ?? startChild(limits);
    child = own;
    let worn = false;
    // While it is idle it keeps nobody from ending.
    own.ref();
    own.channel?.ref();
    try {
      if (alive === undefined) await untilReady(own);
      if (closed) throw stopped();
      return await new Promise<Answer>((resolve, reject) => {
        onEnd = reject;
        const wearOut = (): void => {
          worn = true;
        };
        new Talk(own, source, limits, { resolve, reject, kill, wearOut }).tell(message);
      });
    } catch (error) {
      throw closed ? stopped() : error;
    } finally {
      onEnd = () => undefined;
      for (const event of ['message', 'exit', 'error']) own.removeAllListeners(event);
      // What goes wrong with a child that is at its end is of no interest, and nobody else would hear it.
      own.on('error', () => undefined);
      own.unref();
      own.channel?.unref();
      if (worn) own.kill('SIGKILL');
      if (worn || own.exitCode !== null || own.signalCode !== null || !own.connected) child = undefined;
    }
  };
  return {
    async classify(source, classifyLimits, custom) {
      const { path, size } = source;
      const answer = await ask(source, { kind: 'classify', path, size, limits: classifyLimits, custom });
      return answer.kind === 'found' ? answer : { found: undefined, again: false };
    },
    async checkpoint(source) {
      const answer = await ask(source, { kind: 'checkpoint', path: source.path, size: source.size });
      return answer.kind === 'actions' ? answer.actions : [];
    },
    close() {
      closed = true;
      kill(stopped());
    },
  };
}

function stopped(): TenonError {
  return new TenonError('STOPPED', 'The parser was closed.');
}

/** Resolves with its first message, whatever comes of it. */
function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('error', (cause) =>
      reject(new TenonError('INTERNAL', `The parser cannot be started: ${cause.message}`, {}, { cause })),
    );
    child.once('exit', (code) => reject(new TenonError('INTERNAL', `The parser ended at its start with ${code ?? 'a signal'}.`)));
  });
}

type Answer = Extract<FromParser, { kind: 'found' | 'actions' }>;

interface Outcome {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly kill: (error: TenonError) => void;
  /** The child is not to be used again. */
  readonly wearOut: () => void;
}

/** The exchange about one file. The clock runs only while the child has all that it asked for. */
class Talk {
  private readonly child: ChildProcess;
  private readonly source: ByteSource;
  private readonly limits: ParserLimits;
  private readonly outcome: Outcome;
  private leftMs: number;
  private since = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(child: ChildProcess, source: ByteSource, limits: ParserLimits, outcome: Outcome) {
    this.child = child;
    this.source = source;
    this.limits = limits;
    this.outcome = outcome;
    this.leftMs = limits.timeMs;
    child.on('message', (message) => void this.receive(message as FromParser));
    child.on('error', () => this.gone());
    child.on('exit', () => this.gone());
  }

  tell(message: ToParser): void {
    this.since = performance.now();
    this.timer = setTimeout(
      () => this.outcome.kill(this.limit(`took longer than ${this.limits.timeMs} ms`, 'classifyMs')),
      this.leftMs,
    );
    this.child.send(message, (error) => error !== null && this.gone());
  }

  private async receive(message: FromParser): Promise<void> {
    // Its answer follows at once.
    if (message.kind === 'worn') return this.outcome.wearOut();
    clearTimeout(this.timer);
    this.leftMs = Math.max(1, this.leftMs - (performance.now() - this.since));
    if (message.kind === 'ready') return;
    if (message.kind === 'found' || message.kind === 'actions') return this.outcome.resolve(message);
    if (message.kind === 'failed') return this.outcome.reject(new TenonError(message.code, message.message, message.details));
    try {
      this.tell({ kind: 'bytes', bytes: await this.source.read(message.start, message.end) });
    } catch (error) {
      // The child is told so that it is ready for the next file; the one who asked hears the reason.
      this.child.removeAllListeners('message');
      this.child.on('message', (last: FromParser) => {
        if (last.kind === 'worn') this.outcome.wearOut();
        else this.outcome.reject(error);
      });
      this.tell({ kind: 'unread' });
    }
  }

  private gone(): void {
    clearTimeout(this.timer);
    this.outcome.kill(
      this.limit(`needed more than ${Math.round(this.limits.heapBytes / MIB)} MiB of memory`, 'classifyHeapBytes'),
    );
  }

  private limit(what: string, limit: string): TenonError {
    const { path } = this.source;
    return new TenonError('LIMIT', `${path} ${what} to be understood, and was given up (${limit}).`, { path, limit });
  }
}

function startChild({ heapBytes }: ParserLimits): ChildProcess {
  return fork(childFile(), [], {
    // Nothing of ours: no keys, no passwords, no proxy.
    env: { TZ: 'UTC' },
    // The young generation comes on top; left to itself it takes 48 MiB more.
    execArgv: [`--max-old-space-size=${Math.round(heapBytes / MIB)}`, `--max-semi-space-size=${YOUNG_MIB}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

/** The compiled child. Node runs no TypeScript, so from the sources the one in dist/ is taken. */
function childFile(): string {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.js')) return join(dirname(here), 'parser-child.js');
  const built = join(dirname(here), '../../dist/src/crawl/parser-child.js');
  if (existsSync(built)) return built;
  throw new TenonError('INTERNAL', 'The parser is not built: run npm run build.');
}

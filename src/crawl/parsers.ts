import { availableParallelism } from 'node:os';
import type { Limits } from '../config.ts';
import type { ByteSource, Classification, ClassifyLimits } from './classifier.ts';
import type { ClassifierSpec } from './classifier-kind.ts';
import { classify, isNeverRead } from './classify.ts';
import { remember } from './head.ts';
import { TenonError } from '../model/errors.ts';
import type { ReadCheckpoint } from './delta-checkpoint.ts';
import { createParser, type Parsed, type Parser } from './parser.ts';
import { quickPart } from './quick.ts';

/** Classifies files, those that might take long or much in processes that can be killed. */
export interface Parsers {
  /** As `classify` does; LIMIT for a file that took too long or too much. */
  classify(source: ByteSource, limits: ClassifyLimits, custom: readonly ClassifierSpec[]): Promise<Classification | undefined>;
  /** What a checkpoint of a Delta log says. It may be large, and so has ten times as long as a file. */
  checkpoint: ReadCheckpoint;
  /** Ends the processes, and with STOPPED what is under way in them. */
  close(): void;
}

/** More do not help: the files are fetched and most of them classified here. */
const MOST = 4;

export function createParsers({ classifyMs, classifyHeapBytes }: Pick<Limits, 'classifyMs' | 'classifyHeapBytes'>): Parsers {
  const limits = { timeMs: classifyMs, heapBytes: classifyHeapBytes };
  const all: Parser[] = [];
  const idle: Parser[] = [];
  const waiting: ((parser: Parser) => void)[] = [];
  const most = Math.min(MOST, Math.max(1, availableParallelism() - 1));

  const take = (): Parser | Promise<Parser> => {
    const free = idle.pop();
    if (free !== undefined) return free;
    if (all.length >= most) return new Promise((resolve) => waiting.push(resolve));
    const made = createParser(limits);
    all.push(made);
    return made;
  };
  const give = (parser: Parser): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(parser);
    else next(parser);
  };
  const parse = async (...asked: Parameters<Parser['classify']>): Promise<Parsed> => {
    const parser = await take();
    try {
      return await parser.classify(...asked);
    } finally {
      give(parser);
    }
  };

  const checkpoints = createParser({ timeMs: classifyMs * 10, heapBytes: classifyHeapBytes * 4 });
  let last: Promise<unknown> = Promise.resolve();

  return {
    // One at a time.
    checkpoint(source) {
      const next = last.then(() => checkpoints.checkpoint(source));
      last = next.catch(() => undefined);
      return next;
    },
    async classify(source, classifyLimits, custom) {
      if (isNeverRead(source, custom)) return undefined;
      const shared = remember(source);
      const part = await quickPart(shared, classifyLimits);
      if (part === 'whole') return classify(shared, classifyLimits, custom);
      const known = part === 'head' ? await classifyHead(shared, classifyLimits, custom) : UNSURE;
      if (known !== UNSURE) return known;
      const { found, again } = await parse(shared, classifyLimits, custom);
      // What cannot be sent is found out here once more: that it is quick and small enough has just been shown.
      return again ? classify(shared, classifyLimits, custom) : found;
    },
    close() {
      for (const parser of [...all, checkpoints]) parser.close();
    },
  };
}

const UNSURE = Symbol('unsure');

/** By a first sample alone; unsure where that seems to be broken, as more of it may not be. */
async function classifyHead(
  source: ByteSource,
  limits: ClassifyLimits,
  custom: readonly ClassifierSpec[],
): Promise<Classification | undefined | typeof UNSURE> {
  try {
    return await classify(source, { ...limits, recordBytes: limits.sampleBytes }, custom);
  } catch (error) {
    if (error instanceof TenonError && !['DATA_UNREADABLE', 'LIMIT'].includes(error.code)) throw error;
    return UNSURE;
  }
}

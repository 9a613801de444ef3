import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config.ts';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import { createParsers, type Parsers } from '../../src/crawl/parsers.ts';
import { TenonError } from '../../src/model/errors.ts';
import { BOMBS } from './bombs.ts';
import { children } from './children.ts';

/** TENON_TEST_BOMBS=1 prints a line for each. */
const VERBOSE = process.env['TENON_TEST_BOMBS'] !== undefined;
const MIB = 1024 * 1024;
/** A limit that is shorter than the usual one is met sooner. */
const QUICK = { ...LIMITS, classifyMs: 400 };
/** What the limit of time leaves room for, and what a busy machine adds. */
const PATIENCE_MS = 8_000;

interface Watched {
  readonly expected: readonly string[];
  readonly outcome: string;
  readonly ms: number;
  /** Of the process that looked at it, at its highest; undefined where no such process was needed, or nothing tells. */
  readonly childBytes: number | undefined;
}

async function explode(parsers: Parsers, make: (typeof BOMBS)[number][1]): Promise<Watched> {
  const { source, expected } = make();
  let childBytes: number | undefined;
  const watch = setInterval(() => {
    childBytes = Math.max(childBytes ?? 0, ...parsersUnderWay().map(highestBytes)) || undefined;
  }, 5);
  const start = performance.now();
  try {
    const found = await parsers.classify(source, { ...CLASSIFY_LIMITS, columnStats: true }, []);
    return { expected, outcome: found === undefined ? 'none' : 'known', ms: performance.now() - start, childBytes };
  } catch (error) {
    if (!(error instanceof TenonError)) throw error;
    return { expected, outcome: error.code, ms: performance.now() - start, childBytes };
  } finally {
    clearInterval(watch);
  }
}

/** This process may have started others besides, for other tests. */
function parsersUnderWay(): string[] {
  return children().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('parser-child');
    } catch {
      return false;
    }
  });
}

function highestBytes(pid: string): number {
  try {
    const [, kilobytes = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}

describe('a file made to hurt', () => {
  const all: Watched[] = [];
  let parsers = createParsers(QUICK);
  afterAll(() => {
    parsers.close();
    if (!VERBOSE) return;
    const slowest = Math.max(...all.map(({ ms }) => ms));
    const largest = Math.max(...all.map(({ childBytes = 0 }) => childBytes));
    console.log(`${all.length} bombs: slowest ${Math.round(slowest)} ms, largest child ${Math.round(largest / MIB)} MiB`);
  });

  it.each(BOMBS)('is refused in our own words, in little time and memory: %s', async (name, make) => {
    // Measured one by one, each has a process of its own; else all share one, which is started anew where it was killed.
    if (VERBOSE) {
      parsers.close();
      parsers = createParsers(LIMITS);
    }
    const watched = await explode(parsers, make);
    all.push(watched);
    if (VERBOSE)
      console.log(name, watched.outcome, `${Math.round(watched.ms)} ms`, `${Math.round((watched.childBytes ?? 0) / MIB)} MiB`);
    // On a busy machine anything may take longer than its time.
    expect([...watched.expected, 'LIMIT']).toContain(watched.outcome);
    expect(watched.ms).toBeLessThan(PATIENCE_MS);
    expect(watched.childBytes ?? 0).toBeLessThan(256 * MIB);
  });
});

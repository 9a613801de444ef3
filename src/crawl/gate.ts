import { performance } from 'node:perf_hooks';
import { TenonError } from '../model/errors.ts';

/** Runs a read when its turn comes; `bytes` is what it may hold while it runs. */
export type Gate = <T>(read: () => Promise<T>, bytes: number) => Promise<T>;

export interface GateLimits {
  /** So many reads at the same time, at most. */
  readonly most: number;
  /** And no more than these together, as soon as there are more of them than the first few. */
  readonly bytes: number;
}

/** So many at the same time need no reason. */
const FIRST = 8;
/** With more of a core in use than this, nothing is done sooner by having more under way. */
const BUSY = 0.8;

/**
 * Limits how many reads run at the same time, over all layouts of a crawl. It begins with a few and takes twice as many each time
 * that all of them were waited for while the processor had little to do: then it is the way to the source that takes the time.
 * A source that fails although it was asked again gets half as many.
 */
export function createGate({ most, bytes }: GateLimits, busy = busyShare()): Gate {
  const waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  let limit = Math.min(FIRST, most);
  let running = 0;
  let held = 0;
  let ended = 0;
  let queued = false;

  const fits = (more: number): boolean => running < Math.min(FIRST, limit) || (running < limit && held + more <= bytes);
  const begin = (more: number): void => {
    // What came before says nothing about these reads.
    if (running === 0) busy();
    running += 1;
    held += more;
  };
  const widen = (): void => {
    ended += 1;
    queued ||= waiting.length > 0;
    if (ended < limit) return;
    if (busy() < BUSY && queued) limit = Math.min(most, limit * 2);
    [ended, queued] = [0, false];
  };
  const narrow = (): void => {
    limit = Math.max(Math.min(FIRST, most), Math.floor(limit / 2));
    [ended, queued] = [0, false];
  };
  const end = (less: number): void => {
    running -= 1;
    held -= less;
    widen();
    for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      begin(next.bytes);
      next.start();
    }
  };
  return async (read, size) => {
    if (waiting.length === 0 && fits(size)) begin(size);
    else await new Promise<void>((start) => waiting.push({ bytes: size, start }));
    try {
      return await read();
    } catch (error) {
      if (error instanceof TenonError && error.code === 'SOURCE_UNAVAILABLE') narrow();
      throw error;
    } finally {
      end(size);
    }
  };
}

/**
 * How much processor this process used since it was asked last, in parts of one core. What it would have liked to use does not
 * count: a machine that is busy with others makes everything take long, as a slow way does.
 */
function busyShare(): () => number {
  let last = { at: performance.now(), cpu: process.cpuUsage() };
  return () => {
    const now = { at: performance.now(), cpu: process.cpuUsage() };
    const used = now.cpu.user - last.cpu.user + now.cpu.system - last.cpu.system;
    const ms = now.at - last.at;
    last = now;
    return ms === 0 ? 1 : used / 1_000 / ms;
  };
}

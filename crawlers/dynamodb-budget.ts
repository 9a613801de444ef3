import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds. */
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
  },
};

/** Read capacity of one table: so much a second, and so much in all. */
export interface Budget {
  readonly unitsPerSecond: number;
  readonly total: number;
  /** Units that were used. */
  readonly spent: number;
  /** Waits until so many units may be used; false when they would be more than all. */
  reserve(units: number, signal: AbortSignal): Promise<boolean>;
  /** What a request that had reserved `reserved` really took. */
  settle(reserved: number, used: number): void;
}

/**
 * A request begins when what all before it took has had its time: then, over any stretch, no more is used than the rate
 * allows and one request. Requests at the same time share it. There is no saving up, so no burst either.
 */
export function createBudget(unitsPerSecond: number, total: number, clock: Clock): Budget {
  let spent = 0;
  let reserved = 0;
  let free = clock.now();
  return {
    unitsPerSecond,
    total,
    get spent() {
      return spent;
    },
    async reserve(units, signal) {
      if (spent + reserved + units > total) return false;
      reserved += units;
      const now = clock.now();
      const begin = Math.max(now, free);
      free = begin + (units / unitsPerSecond) * 1_000;
      if (begin > now) await clock.sleep(begin - now, signal);
      return true;
    },
    settle(held, used) {
      reserved -= held;
      spent += used;
      free += ((used - held) / unitsPerSecond) * 1_000;
    },
  };
}

import type { Ground } from '../db/db.ts';
import { listen, type Listening } from '../db/listen.ts';
import { CHANGES_CHANNEL } from './write.ts';

/** Wakes those who wait for changes. A wake-up is a hint to look again: it may come for nothing, or get lost. */
export interface Wake {
  /**
   * Resolves when something was committed to the log since the last `wait` resolved, when it is time to look without having
   * heard anything, or when `signal` aborts. Never rejects. «Since the last»: a commit between a look at the log and the
   * call is not slept through.
   */
  wait(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** How long to let a lost connection rest before the next try. */
const RECONNECT_MS = 5_000;
/** How soon to look again without having heard anything: a notification may get lost, and all do while nobody listens. */
const POLL_MS = { listening: 5_000, deaf: 1_000 };

const shared = new WeakMap<object, { wake: SharedWake; users: number }>();

/**
 * One listening connection for all waiters of a process, opened with the first and closed with the last.
 */
export function openWake(ground: Ground): Wake {
  const known = shared.get(ground.db);
  const entry = known ?? { wake: new SharedWake(ground.db), users: 0 };
  entry.users += 1;
  shared.set(ground.db, entry);
  let open = true;
  let rings = entry.wake.rings;
  return {
    async wait(signal) {
      await entry.wake.wait(rings, signal);
      rings = entry.wake.rings;
    },
    async close() {
      if (!open) return;
      open = false;
      entry.users -= 1;
      if (entry.users > 0) return;
      shared.delete(ground.db);
      await entry.wake.close();
    },
  };
}

class SharedWake {
  private readonly db: Ground['db'];
  private readonly waiters = new Set<() => void>();
  private listening: Listening | undefined;
  private connecting: Promise<void> | undefined;
  private restUntilMs = 0;
  /** How often it rang so far. */
  rings = 0;

  constructor(db: Ground['db']) {
    this.db = db;
  }

  async wait(rings: number, signal: AbortSignal): Promise<void> {
    if (this.connecting === undefined && performance.now() >= this.restUntilMs) this.connecting = this.connect();
    if (signal.aborted || this.rings !== rings) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        this.waiters.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, this.listening === undefined ? POLL_MS.deaf : POLL_MS.listening);
      signal.addEventListener('abort', finish);
      this.waiters.add(finish);
    });
  }

  async close(): Promise<void> {
    await this.connecting;
    await this.listening?.close();
  }

  private ring(): void {
    this.rings += 1;
    for (const finish of this.waiters) finish();
  }

  private async connect(): Promise<void> {
    try {
      this.listening = await listen(this.db, CHANGES_CHANNEL, { onNotice: () => this.ring(), onLost: () => this.lose() });
      this.ring(); // What was committed before the listening began has rung for nobody.
    } catch {
      this.lose();
    }
  }

  private lose(): void {
    this.listening = undefined;
    this.connecting = undefined;
    this.restUntilMs = performance.now() + RECONNECT_MS;
    // Whoever waits does so for a notification that will not come.
    this.ring();
  }
}

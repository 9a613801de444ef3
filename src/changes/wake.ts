import { Client, Pool, type ClientConfig } from 'pg';
import type { Ground } from '../db/db.ts';
import { CHANGES_CHANNEL } from './write.ts';

/** Wakes those who wait for changes. A wake-up is a hint to look again: it may come for nothing, or get lost. */
export interface Wake {
  /**
   * Resolves when something was committed to the log since the last `wait` resolved, after `atMostMs`, or when `signal`
   * aborts. Never rejects. «Since the last»: a commit between a look at the log and the call is not slept through.
   */
  wait(atMostMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** How long to let a lost connection rest before the next try. Meanwhile everybody polls. */
const RECONNECT_MS = 5_000;

const shared = new WeakMap<object, { wake: SharedWake; users: number }>();

/**
 * One listening connection for all waiters of a process, opened with the first and closed with the last. Connections of
 * the pool would be the wrong ones: each listener would hold one for ever.
 */
export function openWake(ground: Ground): Wake {
  const known = shared.get(ground.db);
  const entry = known ?? { wake: new SharedWake(poolOptions(ground)), users: 0 };
  entry.users += 1;
  shared.set(ground.db, entry);
  let open = true;
  let rings = entry.wake.rings;
  return {
    async wait(atMostMs, signal) {
      await entry.wake.wait(rings, atMostMs, signal);
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

/** Drizzle keeps the pool that it was made with, but its type does not say so. */
function poolOptions(ground: Ground): ClientConfig | undefined {
  const pool = (ground.db as { readonly $client?: unknown }).$client;
  return pool instanceof Pool ? pool.options : undefined;
}

class SharedWake {
  private readonly options: ClientConfig | undefined;
  private readonly waiters = new Set<() => void>();
  private client: Client | undefined;
  private connecting: Promise<void> | undefined;
  private restUntilMs = 0;
  /** How often it rang so far. */
  rings = 0;

  constructor(options: ClientConfig | undefined) {
    this.options = options;
  }

  async wait(rings: number, atMostMs: number, signal: AbortSignal): Promise<void> {
    if (this.connecting === undefined && performance.now() >= this.restUntilMs) this.connecting = this.connect();
    if (signal.aborted || this.rings !== rings) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        this.waiters.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, atMostMs);
      signal.addEventListener('abort', finish);
      this.waiters.add(finish);
    });
  }

  async close(): Promise<void> {
    await this.connecting;
    await this.client?.end().catch(() => undefined);
  }

  private ring(): void {
    this.rings += 1;
    for (const finish of this.waiters) finish();
  }

  private async connect(): Promise<void> {
    if (this.options === undefined) return;
    const client = new Client(this.options);
    client.on('notification', () => this.ring());
    client.on('error', () => this.lose());
    client.on('end', () => this.lose());
    try {
      await client.connect();
      await client.query(`listen ${CHANGES_CHANNEL}`);
      this.client = client;
      this.ring(); // What was committed before the listening began has rung for nobody.
    } catch {
      this.lose();
      await client.end().catch(() => undefined);
    }
  }

  private lose(): void {
    this.client = undefined;
    this.connecting = undefined;
    this.restUntilMs = performance.now() + RECONNECT_MS;
  }
}

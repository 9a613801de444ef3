import type { Ground } from '../db/db.ts';
import { extendLease, type Hold } from './hold.ts';

/** The longest time until a run notices that another process stopped it. */
const SLOWEST_BEAT_MS = 5_000;

/**
 * Extends the lease until the returned function is called, and tells when the run was stopped or taken over. Time is
 * measured without the wall clock, so that a clock that is set makes no run lose or keep its lease; what the lease does
 * not protect, the epoch does.
 */
export function startHeartbeat(
  hold: Hold,
  { ground, leaseMs }: { ground: Ground; leaseMs: number },
  tell: (what: 'stopped' | 'lost') => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  let heldSince = performance.now();
  const beat = async (): Promise<void> => {
    const asked = performance.now();
    // An error here is the database not answering. Nobody else can have taken the run before the lease has passed.
    const state = await extendLease(ground.db, hold, leaseMs).catch(() => (asked - heldSince > leaseMs ? 'lost' : 'unknown'));
    if (over || state === 'ended') return;
    if (state === 'lost') return tell('lost');
    if (state === 'stopping') tell('stopped');
    if (state !== 'unknown') heldSince = asked;
    plan();
  };
  const plan = (): void => {
    timer = setTimeout(() => void beat(), Math.min(leaseMs / 3, SLOWEST_BEAT_MS));
  };
  plan();
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

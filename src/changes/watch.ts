import type { Ground } from '../db/db.ts';
import type { Change, Position } from '../model/change.ts';
import { latestPosition, listChanges, type ChangeFilter } from './list.ts';
import { openWake } from './wake.ts';

const BATCH = 200;

/**
 * Yields the changes after a position as they are committed, in order, each once, until `signal` aborts; without `after`,
 * those from now on. Who comes back with the position of the last change that it saw misses nothing. Errors of the
 * database reach the consumer.
 */
export async function* watchChanges(
  ground: Ground,
  options: { readonly after?: Position | undefined; readonly filter?: ChangeFilter; readonly signal: AbortSignal },
): AsyncIterable<Change> {
  const { signal, filter = {} } = options;
  const wake = openWake(ground);
  try {
    let after = options.after ?? (await latestPosition(ground.db));
    while (!signal.aborted) {
      // Read before the page: all up to it is in the page or does not match, so the next round need not look there again.
      const latest = await latestPosition(ground.db);
      const page =
        latest > after
          ? await listChanges(ground.db, { ...filter, newestFirst: false }, { first: BATCH, after: String(after) })
          : undefined;
      for (const { item } of page?.items ?? []) {
        if (signal.aborted) return;
        yield item;
        after = item.position;
      }
      if (page?.hasNextPage === true) continue;
      if (latest > after) after = latest;
      await wake.wait(signal);
    }
  } finally {
    await wake.close();
  }
}

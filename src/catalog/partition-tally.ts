import type { Entry } from '../changes/write.ts';
import type { PartitionSummary } from '../model/change.ts';

type Outcome = 'added' | 'changed' | 'removed';

/** What one transaction did to the partitions of one table, over all calls, net: ended and added again is changed. */
export interface Tally {
  /** `key` identifies the partition and sorts as it does; `text` is its key as Hive writes it. */
  count(outcome: Outcome, key: readonly string[], text: string): void;
  /** For whole tables at once, whose partitions are not read one by one. */
  countAll(outcome: Outcome, count: number): void;
  summary(): PartitionSummary;
}

/** By the entry, which lives as long as its transaction. */
const tallies = new WeakMap<Entry, Tally>();

export function tallyOf(entry: Entry): Tally {
  const known = tallies.get(entry);
  if (known !== undefined) return known;
  const made = newTally();
  tallies.set(entry, made);
  return made;
}

/** Puts the tally into the entry of the log, in place of what it said before. */
export function noteTally(entry: Entry): void {
  entry.note({ kind: 'partitions.changed', details: { partitions: tallyOf(entry).summary() } });
}

function newTally(): Tally {
  const outcomes = new Map<string, Outcome | undefined>();
  const counts = { added: 0, changed: 0, removed: 0 };
  let first: { key: string; text: string } | undefined;
  let last: typeof first;
  return {
    count(outcome, parts, text) {
      const key = parts.join('\0');
      const before = outcomes.get(key);
      const after = net(before, outcome);
      outcomes.set(key, after);
      if (before !== undefined) counts[before] -= 1;
      if (after !== undefined) counts[after] += 1;
      if (text === '') return;
      if (first === undefined || key < first.key) first = { key, text };
      if (last === undefined || key > last.key) last = { key, text };
    },
    countAll(outcome, count) {
      counts[outcome] += count;
    },
    summary: () => ({ ...counts, ...(first && { first: first.text }), ...(last && { last: last.text }) }),
  };
}

function net(before: Outcome | undefined, now: Outcome): Outcome | undefined {
  if (before === 'added') return now === 'removed' ? undefined : 'added';
  if (before === 'removed' && now === 'added') return 'changed';
  return now;
}

/** An element that stands in both of two sequences, with its place in each. */
export interface Pair {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The fewest elements that have to be taken out and put elsewhere to come from one order to the other. Both directions
 * give the same elements: of several smallest choices, the one that keeps the names first in the alphabet in place.
 *
 * What stays is a longest increasing chain, found as in patience sorting (Fredman 1975), O(n log n).
 */
export function movedPairs(pairs: readonly Pair[]): Pair[] {
  const byFrom = [...pairs].sort((a, b) => a.from - b.from);
  const before = chainLengths(byFrom.map((pair) => pair.to));
  const after = chainLengths(byFrom.map((pair) => -pair.to).reverse()).reverse();
  const longest = Math.max(0, ...before);
  const levels: Pair[][] = Array.from({ length: longest }, () => []);
  byFrom.forEach((pair, index) => {
    const level = before[index] ?? 0;
    // On some longest chain, and then always the `level`-th of it.
    if (level + (after[index] ?? 0) - 1 === longest) levels[level - 1]?.push(pair);
  });
  const staying = new Set<Pair>();
  let last: Pair | undefined;
  for (const level of levels) {
    last = firstByName(level, last);
    if (last !== undefined) staying.add(last);
  }
  return pairs.filter((pair) => !staying.has(pair));
}

function firstByName(level: readonly Pair[], last: Pair | undefined): Pair | undefined {
  let best: Pair | undefined;
  for (const pair of level) {
    const follows = last === undefined || (pair.from > last.from && pair.to > last.to);
    if (follows && (best === undefined || pair.name < best.name)) best = pair;
  }
  return best;
}

/** For each number the length of the longest increasing chain that ends with it. */
function chainLengths(numbers: readonly number[]): number[] {
  const tails: number[] = [];
  return numbers.map((number) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle] ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    tails[low] = number;
    return low + 1;
  });
}

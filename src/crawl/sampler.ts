import type { ObjectFinding } from './crawler.ts';

/** Chooses a few of many: the newest, the last, and others evenly spread. Keeps at most twice as many as are wanted. */
export class Spread<T> {
  private readonly wanted: number;
  private kept: T[] = [];
  private step = 1;
  private count = 0;
  private newest: { readonly item: T; readonly time: number } | undefined;
  private last: T | undefined;

  constructor(wanted: number) {
    this.wanted = wanted;
  }

  add(item: T, time: number): void {
    if (this.newest === undefined || time > this.newest.time) this.newest = { item, time };
    this.last = item;
    if (this.count % this.step === 0) this.kept.push(item);
    this.count += 1;
    if (this.kept.length <= this.wanted * 2) return;
    this.kept = this.kept.filter((_, i) => i % 2 === 0);
    this.step *= 2;
  }

  take(): T[] {
    const ends = [...(this.last === undefined ? [] : [this.last]), ...(this.newest === undefined ? [] : [this.newest.item])];
    const chosen = new Set<T>(ends.slice(0, this.wanted));
    const others = this.kept.filter((item) => !chosen.has(item));
    const stride = Math.max(1, others.length / Math.max(1, this.wanted - chosen.size));
    for (let i = 0; chosen.size < this.wanted && Math.floor(i) < others.length; i += stride) {
      const item = others[Math.floor(i)];
      if (item !== undefined) chosen.add(item);
    }
    return [...chosen];
  }
}

/**
 * Chooses a few of many objects as they come by: all if they are few, else the oldest, the newest, and others evenly
 * spread over the listing. Keeps at most twice as many as are wanted, however many come; the same listing gives the same
 * choice.
 */
export class Sampler {
  private readonly wanted: number;
  private spread: ObjectFinding[] = [];
  private step = 1;
  private count = 0;
  private newest: ObjectFinding | undefined;
  private oldest: ObjectFinding | undefined;

  constructor(wanted: number) {
    this.wanted = wanted;
  }

  add(object: ObjectFinding): void {
    if (this.newest === undefined || object.modified > this.newest.modified) this.newest = object;
    if (this.oldest === undefined || object.modified < this.oldest.modified) this.oldest = object;
    if (this.count % this.step === 0) this.spread.push(object);
    this.count += 1;
    if (this.spread.length <= this.wanted * 2) return;
    this.spread = this.spread.filter((_, i) => i % 2 === 0);
    this.step *= 2;
  }

  /** In the order of the listing, but for the oldest and the newest, which come first. */
  take(): ObjectFinding[] {
    if (this.count <= this.wanted) return [...this.spread];
    const ends = [this.newest, this.oldest].filter((object) => object !== undefined);
    const chosen = new Set(ends.slice(0, this.wanted));
    const others = this.spread.filter((object) => !chosen.has(object));
    const stride = others.length / Math.max(1, this.wanted - chosen.size);
    for (let i = 0; chosen.size < this.wanted && Math.floor(i) < others.length; i += stride) {
      const object = others[Math.floor(i)];
      if (object !== undefined) chosen.add(object);
    }
    return [...chosen];
  }
}

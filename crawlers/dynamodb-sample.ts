import type { DynamodbItem, DynamodbKey, DynamodbSource } from '../src/connections/dynamodb.ts';
import type { Budget } from './dynamodb-budget.ts';
import { Entities } from './dynamodb-entities.ts';

export interface SamplePlan {
  readonly table: string;
  /** The partition key, and the sort key where there is one. */
  readonly keys: readonly string[];
  /** As DescribeTable says; up to six hours old. */
  readonly estimate: { readonly items: number; readonly bytes: number };
  /** Read every item. */
  readonly scanAll: boolean;
  /** So many items without anything new end a sample. */
  readonly patience: number;
}

export interface SampleContext {
  readonly source: Pick<DynamodbSource, 'scan'>;
  readonly budget: Budget;
  readonly signal: AbortSignal;
  /** 0 to 1. */
  readonly random: () => number;
  readonly spend: (cost: { gets: number; rows: number; capacityUnits: number }) => void;
}

const PARALLEL = 4;
/** DynamoDB's own limit. */
const MAX_SEGMENTS = 1_000_000;
const MAX_LIMIT = 1_000;
/** A sample never reads more; `scanAll` does. */
const MAX_SAMPLE = 500_000;
/** So many empty segments one after the other: there is hardly anything in the table. */
const MAX_EMPTY = 64;
/** A unit reads 8 KiB, eventually consistent. */
const BYTES_A_UNIT = 8_192;

/**
 * Reads a small table whole, in its order. Of a large one it reads pages of segments drawn at random, several at a time, until
 * `patience` items in a row have shown nothing new or the budget is used up. `whole` says that every item was read.
 */
export async function sampleTable(plan: SamplePlan, context: SampleContext): Promise<{ entities: Entities; whole: boolean }> {
  const reader = new Reader(plan, context);
  const { entities } = reader;
  if (plan.scanAll) {
    const ends = await Promise.all(range(PARALLEL).map((segment) => reader.readOn(segment, PARALLEL, Infinity)));
    return { entities, whole: ends.every(Boolean) };
  }
  // What DescribeTable says may be hours old, or 0 for a new table: it is only believed where it says «large».
  const few = 2 * plan.patience;
  if (plan.estimate.items <= few && (await reader.readOn(0, 1, few))) return { entities, whole: true };
  reader.segments = clamp(Math.ceil(Math.max(plan.estimate.items, few) / reader.limit()), 1, MAX_SEGMENTS);
  await Promise.all(range(PARALLEL).map(() => reader.draw()));
  return { entities, whole: false };
}

class Reader {
  readonly entities: Entities;
  /** Into how many segments the table is cut: so many that a page is about one of them. */
  segments = 1;
  private quiet = 0;
  private empty = 0;
  private over = false;
  private readonly plan: SamplePlan;
  private readonly context: SampleContext;

  constructor(plan: SamplePlan, context: SampleContext) {
    this.plan = plan;
    this.context = context;
    this.entities = new Entities(plan.keys);
  }

  /** Items a page: little enough that one page is no burst, and that the last one does not break the budget. */
  limit(): number {
    const { unitsPerSecond, total } = this.context.budget;
    const units = clamp(Math.min(unitsPerSecond / PARALLEL, total / 80), 0.5, 64);
    return clamp(Math.floor(units / this.unitsAnItem()), 1, MAX_LIMIT);
  }

  private unitsAnItem(): number {
    const { items, bytes } = this.plan.estimate;
    if (this.entities.items > 0) return Math.max(this.context.budget.spent / this.entities.items, 1e-4);
    // Of a table that nothing is known of, items of 8 KiB.
    return items > 0 && bytes > 0 ? Math.max(bytes / items / BYTES_A_UNIT, 1e-4) : 1;
  }

  /** One segment from its beginning to its end; false when `most` items or the budget came before it. */
  async readOn(segment: number, totalSegments: number, most: number): Promise<boolean> {
    let after: DynamodbKey | undefined;
    let items = 0;
    do {
      const page = await this.page(segment, totalSegments, after);
      if (page === undefined) return false;
      items += page.count;
      after = page.next;
    } while (after !== undefined && items < most);
    return after === undefined;
  }

  /** Pages of segments at random, until there is nothing new. Every other time it reads on: a segment may be one large collection. */
  async draw(): Promise<void> {
    while (!this.isOver()) {
      const totalSegments = this.segments;
      const segment = Math.floor(this.context.random() * totalSegments);
      let after: DynamodbKey | undefined;
      let isFirst = true;
      do {
        const page = await this.page(segment, totalSegments, after);
        if (page === undefined) return;
        after = page.next;
        if (isFirst) this.adapt(page.count, after !== undefined);
        isFirst = false;
      } while (after !== undefined && !this.isOver() && this.context.random() < 0.5);
    }
  }

  private isOver(): boolean {
    return this.over || this.quiet >= this.plan.patience || this.empty >= MAX_EMPTY || this.entities.items >= MAX_SAMPLE;
  }

  private adapt(count: number, goesOn: boolean): void {
    if (goesOn) this.segments = Math.min(this.segments * 2, MAX_SEGMENTS);
    else if (count === 0) this.segments = Math.max(1, Math.floor(this.segments / 2));
    this.empty = count === 0 ? this.empty + 1 : 0;
  }

  /** Undefined when the budget is used up. */
  private async page(segment: number, totalSegments: number, after: DynamodbKey | undefined) {
    const { source, budget, signal, spend } = this.context;
    const limit = this.limit();
    const expected = Math.max(0.5, limit * this.unitsAnItem());
    if (this.over || !(await budget.reserve(expected, signal))) {
      this.over = true;
      return undefined;
    }
    let used = 0;
    try {
      const page = await source.scan({ table: this.plan.table, segment, totalSegments, limit, after }, signal);
      used = page.capacityUnits;
      spend({ gets: 1, rows: page.items.length, capacityUnits: used });
      for (const item of page.items) this.take(item);
      return { count: page.items.length, next: page.next };
    } catch (error) {
      // The others need not go on.
      this.over = true;
      throw error;
    } finally {
      budget.settle(expected, used);
    }
  }

  private take(item: DynamodbItem): void {
    if (this.entities.add(item)) this.quiet = 0;
    else this.quiet += 1;
  }
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

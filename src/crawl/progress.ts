import type { FoundTable } from './found-table.ts';
import type { Mark } from './marks.ts';

/** What was counted up to the place from which a crawl goes on. */
export interface CountedTo {
  readonly objects: number;
  readonly tables: number;
  readonly partitions: number;
}

/** Counts what a crawl meets: in all, and up to a mark, so that nothing counts twice where a crawl goes on there. */
export class Progress {
  objects: number;
  tables: number;
  partitions: number;
  private upTo: CountedTo;
  /** Tables found since, with the number of their first object. */
  private since: { readonly first: number; readonly partitions: number }[] = [];

  constructor(saved: CountedTo | undefined) {
    this.upTo = saved ?? { objects: 0, tables: 0, partitions: 0 };
    this.objects = this.upTo.objects;
    this.tables = this.upTo.tables;
    this.partitions = this.upTo.partitions;
  }

  found({ first, partitionCount }: Pick<FoundTable, 'first' | 'partitionCount'>): void {
    this.tables += 1;
    this.partitions += partitionCount;
    this.since.push({ first, partitions: partitionCount });
  }

  /** Moves on to a mark. */
  to(mark: Mark): CountedTo {
    const before = this.since.filter(({ first }) => first < mark.number);
    this.since = this.since.filter(({ first }) => first >= mark.number);
    const partitions = before.reduce((sum, one) => sum + one.partitions, this.upTo.partitions);
    this.upTo = { objects: mark.objects, tables: this.upTo.tables + before.length, partitions };
    return this.upTo;
  }
}

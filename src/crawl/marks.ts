import { compareBytes } from '../connections/byte-order.ts';

/** A checkpoint of the crawler, with where the crawl was when it came. */
export interface Mark {
  readonly cursor: string;
  /** The last object's path: all that comes before it in byte order has been listed. */
  readonly path: string;
  /** How many objects came before it, by the crawler's count. */
  readonly objects: number;
  /** The same by the grouping's count, which begins anew in each attempt. */
  readonly number: number;
}

const KEPT = 64;

/**
 * Finds out from which checkpoint a crawl may go on after a crash: the last one before everything that is not saved yet.
 * An open folder would be cut in two by a later one; then its first half would seem to be missing.
 */
export class Marks {
  private marks: Mark[] = [];

  add(mark: Mark): void {
    this.marks.push(mark);
    // The first is kept: it may be the only one before a folder that stays open for long.
    if (this.marks.length > KEPT) this.marks.splice(1, 1);
  }

  /**
   * Something that begins with the object `first` is closed: who goes on within it would find only its second half, and
   * take its first for gone. `end` is the number of the first object that is surely behind it.
   */
  close(first: number, end: number): void {
    this.marks = this.marks.filter(({ number }) => number <= first || number >= end);
  }

  /** The last one before the first open object (undefined: nothing is open) that `isSafe` too. */
  last(open: number | undefined, isSafe: (mark: Mark) => boolean): Mark | undefined {
    const last = this.marks.findLast((mark) => (open === undefined || mark.number <= open) && isSafe(mark));
    if (last !== undefined) this.marks = this.marks.slice(this.marks.indexOf(last));
    return last;
  }
}

/** Whether all of a folder was listed before an object's path. The scope itself never was. */
export function isBefore(folder: string, path: string): boolean {
  return folder !== '' && !path.startsWith(folder) && compareBytes(folder, path) < 0;
}

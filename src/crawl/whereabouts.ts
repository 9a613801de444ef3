import type { Table } from '../model/table.ts';
import type { Known } from './known.ts';
import { isBefore, Marks } from './marks.ts';
import type { Progress, CountedTo } from './progress.ts';
import { pathBelow } from './scope-paths.ts';

/** From where a crawl goes on after a crash, as a checkpoint keeps it. */
export interface SavedPlace {
  /** Of this definition; another one begins anew. */
  readonly scope: string;
  /** The address of the scope's root, as soon as an object showed it. */
  readonly base: string | undefined;
  readonly from: ({ readonly cursor: string; readonly path: string } & CountedTo) | undefined;
  /** Ids of the tables in folders on the way to that path: whether they were met, the path alone does not tell. */
  readonly seen: readonly string[];
  /** Folders on the way to that path that were found to be no tables, where schemas decide about that. */
  readonly split?: readonly string[];
}

/** Knows what of the scope has been listed, by this attempt or by one before, and from where the next one may go on. */
export class Whereabouts {
  base: string | undefined;
  readonly marks = new Marks();
  /** What an earlier attempt found out about folders on the way to where this one began. */
  readonly split: readonly string[];
  private readonly scope: string;
  private readonly known: Known;
  /** Where this attempt began; undefined: at the beginning. */
  private readonly resumed: SavedPlace['from'];
  private from: SavedPlace['from'];
  /** How many objects this attempt had taken there. */
  private number = 0;
  private readonly splitAt: (path: string, number: number) => string[];

  constructor(scope: string, known: Known, saved: SavedPlace | undefined, splitAt: (path: string, number: number) => string[]) {
    this.scope = scope;
    this.known = known;
    this.splitAt = splitAt;
    const usable = saved?.scope === scope ? saved : undefined;
    this.base = usable?.base;
    this.resumed = usable?.from;
    this.from = usable?.from;
    this.split = usable?.split ?? [];
    // With their locations, so that the next checkpoint of this attempt tells of them too.
    const seen = new Set(usable?.seen);
    for (const table of known.tables.values()) if (seen.has(table.id)) known.see(table);
  }

  /** Where this attempt has to begin, and what counts as counted there. */
  get start(): SavedPlace['from'] {
    return this.resumed;
  }

  /** Moves on as far as all is saved: up to the first object that is open. True if that is further than before. */
  advance(firstOpen: number | undefined, progress: Progress): boolean {
    const mark = this.marks.last(firstOpen, ({ path }) => this.allSeenBefore(path));
    if (mark === undefined || mark.cursor === this.from?.cursor) return false;
    this.from = { cursor: mark.cursor, path: mark.path, ...progress.to(mark) };
    this.number = mark.number;
    return true;
  }

  /** Whether this run has met a table, in this attempt or in one before. */
  wasSeen(table: Table): boolean {
    return this.known.seen.has(table.id) || (this.resumed !== undefined && this.isListedBefore(table, this.resumed.path));
  }

  /** A location as a path of findings; undefined outside of the scope. */
  pathOf(location: string): string | undefined {
    return this.base === undefined ? undefined : pathBelow(this.base, location);
  }

  save(): SavedPlace {
    const path = this.from?.path ?? '';
    const isOnTheWay = (location: string): boolean => path.startsWith(this.folderOf(location) ?? '\0');
    const seen = [...this.known.seen].flatMap(([id, location]) => (isOnTheWay(location) ? [id] : []));
    const split = this.splitAt(path, this.number);
    return { scope: this.scope, base: this.base, from: this.from, seen, split };
  }

  /** A table that is missing before a place could not be found missing by who goes on after it. */
  private allSeenBefore(path: string): boolean {
    return [...this.known.tables.values()].every((table) => this.wasSeen(table) || !this.isListedBefore(table, path));
  }

  private isListedBefore(table: Table, path: string): boolean {
    const folder = this.folderOf(table.location ?? '');
    return folder !== undefined && isBefore(folder, path);
  }

  private folderOf(location: string): string | undefined {
    const path = this.pathOf(location);
    return path?.slice(0, path.lastIndexOf('/') + 1);
  }
}

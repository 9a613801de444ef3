import { createHash } from 'node:crypto';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';

/** More than this in one page is refused: whoever wants all of a list reads page by page, or streams. */
const MAX_PAGE_ITEMS = 10_000;

/** What a cursor carries: where the page before ended, in the order of the list it belongs to. */
export type CursorPart = string | number;

/**
 * The cursors of one list. `scope` is all that the list depends on (its kind, its filter): a cursor of another list is
 * refused, because going on from it would silently skip or repeat items.
 */
export interface Cursors {
  encode(parts: readonly CursorPart[]): string;
  /** Undefined on the first page. Throws BAD_INPUT for a cursor of another list, or one that is none. */
  decode(page: PageRequest, length: number): readonly CursorPart[] | undefined;
}

export function cursorsOf(scope: unknown): Cursors {
  const text = JSON.stringify(scope, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  const mark = createHash('sha256').update(text).digest('base64url').slice(0, 8);
  return {
    encode: (parts) => Buffer.from(JSON.stringify([mark, ...parts])).toString('base64url'),
    decode: (page, length) => (page.after === undefined ? undefined : decode(page.after, mark, length)),
  };
}

function decode(cursor: string, mark: string, length: number): CursorPart[] {
  const [found, ...parts] = parse(cursor);
  if (found !== mark) throw new TenonError('BAD_INPUT', 'The cursor belongs to another list or filter; start again without it.');
  if (parts.length !== length) throw badCursor();
  return parts;
}

function parse(cursor: string): CursorPart[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parts) && parts.every(isPart)) return parts;
  } catch {
    // Refused below, like every other text that is not a cursor of ours.
  }
  throw badCursor();
}

/** Only what Postgres can take. */
function isPart(part: unknown): part is CursorPart {
  return typeof part === 'string' ? !/[\0\p{Cs}]/u.test(part) : Number.isSafeInteger(part);
}

/** For a part that has to be a whole number, written as one or as text. */
export function numberOf(part: CursorPart | undefined): bigint {
  if (!/^\d{1,18}$/.test(String(part))) throw badCursor();
  return BigInt(part ?? 0);
}

function badCursor(): TenonError {
  return new TenonError('BAD_INPUT', 'The cursor is not one that a list gave out.');
}

export function checkPage(page: PageRequest): void {
  if (Number.isInteger(page.first) && page.first >= 1 && page.first <= MAX_PAGE_ITEMS) return;
  throw new TenonError('BAD_INPUT', `A page has 1 to ${MAX_PAGE_ITEMS} items, not ${page.first}.`, { first: page.first });
}

/** A page out of rows that were read with a limit of `first + 1`: the one too many says that there is more. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  first: number,
  cursorOf: (row: Row) => string,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, first).map((row) => ({ cursor: cursorOf(row), item: itemOf(row) }));
  return { items, hasNextPage: rows.length > first };
}

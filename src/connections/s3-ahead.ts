import { compareBytes } from './byte-order.ts';
import { keyAhead } from './s3-boundary.ts';
import type { ListPage } from './s3-page.ts';

/** Asks for a page: the one after a key, or the one that a token leads to. */
export type GetPage = (from: { StartAfter?: string | undefined; ContinuationToken?: string }) => Promise<ListPage>;

/** Between two keys, listed by itself. */
interface Stretch {
  readonly after: string | undefined;
  /** Where the next stretch begins: this key is the last that belongs here. Undefined: to the end. */
  until: string | undefined;
  readonly pages: ListPage[];
  isEmpty: boolean;
  done: boolean;
  failed: { readonly error: unknown } | undefined;
}

/** A page that takes so long is worth a second request beside it; a server next door is kept busy by one … */
const SLOW_MS = 30;
/** … even if it was slow a few times. */
const SLOW_PAGES = 8;
const STRETCHES = 8;
/** Aimed at: long, because where two stretches meet half a page is listed twice, and short, because what is ahead is held. */
const PAGES = 16;
/** So many requests may be made in vain, or a listing of a hundred pages is over before it has earned a second stretch … */
const IN_VAIN_AT_FIRST = 3.5;
/** … and so many of those that were made. */
const IN_VAIN = 0.045;

/**
 * The pages of a listing in their order. Behind a slow connection several stretches are listed at once; where they begin is
 * guessed from how the keys count up, and a guess that was wrong costs a request and changes nothing about the outcome. One
 * page is on its way while one is read; of each stretch ahead a few are held. `check` fails on what no listing may show.
 */
export async function* pagesAhead(
  getPage: GetPage,
  after: string | undefined,
  check: Check,
  slowMs = SLOW_MS,
): AsyncGenerator<ListPage> {
  const state: Ahead = { getPage, slowMs, stretches: [], asked: 0, slow: 0, inVain: 0, left: false, waiting: [] };
  begin(state, 0, after, undefined);
  try {
    for (let front = state.stretches[0]; front !== undefined; front = state.stretches[0]) {
      const page = front.pages.shift();
      if (page !== undefined) {
        wake(state);
        const cut = cutAt(page, front.until);
        check(cut);
        yield cut;
      } else if (front.failed !== undefined) throw front.failed.error;
      else if (front.done) {
        state.stretches.shift();
        wake(state);
      } else await change(state);
    }
  } finally {
    state.left = true;
    wake(state);
  }
}

/** Looks at each page in the order of the listing, and throws where it shows that the listing cannot be trusted. */
export type Check = (page: ListPage) => void;

interface Ahead {
  readonly getPage: GetPage;
  readonly slowMs: number;
  readonly stretches: Stretch[];
  asked: number;
  /** Of them, those that took long. */
  slow: number;
  /** Requests whose keys others have, in parts of one. */
  inVain: number;
  /** The reader has gone. */
  left: boolean;
  waiting: (() => void)[];
}

function wake(state: Ahead): void {
  for (const resume of state.waiting.splice(0)) resume();
}

function change(state: Ahead): Promise<void> {
  return new Promise((resolve) => state.waiting.push(resolve));
}

function begin(state: Ahead, place: number, after: string | undefined, until: string | undefined): void {
  const stretch: Stretch = { after, until, pages: [], isEmpty: true, done: false, failed: undefined };
  state.stretches.splice(place, 0, stretch);
  void run(state, stretch);
}

async function run(state: Ahead, stretch: Stretch): Promise<void> {
  try {
    for (let token: string | undefined; !state.left;) {
      while (!state.left && stretch.pages.length >= (stretch === state.stretches[0] ? 1 : PAGES)) await change(state);
      if (state.left) break;
      const asked = performance.now();
      state.asked += 1;
      const page = await state.getPage(token === undefined ? { StartAfter: stretch.after } : { ContinuationToken: token });
      take(state, stretch, page);
      if (performance.now() - asked >= state.slowMs) {
        state.slow += 1;
        if (state.slow >= SLOW_PAGES) branch(state, stretch, page);
      }
      const last = page.objects.at(-1)?.key;
      if (page.next === undefined || (last !== undefined && isPast(last, stretch.until))) break;
      token = page.next;
      wake(state);
    }
  } catch (error) {
    stretch.failed = { error };
  } finally {
    stretch.done = true;
    wake(state);
  }
}

function take(state: Ahead, stretch: Stretch, page: ListPage): void {
  stretch.pages.push(page);
  const { length } = page.objects;
  const own = cutAt(page, stretch.until).objects.length;
  if (length > own) state.inVain += (length - own) / length;
  if (stretch.isEmpty && length === 0 && page.next === undefined && stretch.after !== undefined) state.inVain += 1;
  if (length > 0) stretch.isEmpty = false;
}

/** Begins another stretch ahead of a page, in what nobody lists yet. */
function branch(state: Ahead, stretch: Stretch, page: ListPage): void {
  const place = state.stretches.indexOf(stretch);
  const behind = state.stretches[place + 1];
  const isOpen = behind === undefined || (behind.done && behind.isEmpty && behind.failed === undefined);
  const open = state.stretches.filter(({ done }) => !done).length;
  if (place < 0 || !isOpen || page.next === undefined || open >= STRETCHES) return;
  if (state.inVain + open / 2 > IN_VAIN_AT_FIRST + IN_VAIN * state.asked) return;
  const [first, last] = [page.objects[0]?.key, page.objects.at(-1)?.key];
  const next = first === undefined || last === undefined ? undefined : keyAhead(first, last, PAGES - 1);
  if (next === undefined || last === undefined || compareBytes(next, last) <= 0 || isPast(next, stretch.until)) return;
  begin(state, place + 1, next, stretch.until);
  stretch.until = next;
}

function isPast(key: string, until: string | undefined): boolean {
  return until !== undefined && compareBytes(key, until) >= 0;
}

/** What comes after the end of a stretch belongs to the next one. */
function cutAt(page: ListPage, until: string | undefined): ListPage {
  const last = page.objects.at(-1)?.key;
  if (until === undefined || last === undefined || compareBytes(last, until) <= 0) return page;
  return { ...page, objects: page.objects.filter(({ key }) => compareBytes(key, until) <= 0) };
}

import { TenonError } from '../src/model/errors.ts';

/**
 * A pattern of paths, as Glue's crawlers have it: `*` is anything without a `/`, `**` anything at all, `?` one character that
 * is no `/`, `[a-z]` and `[!x]` one of some, `{a,b}` one of several patterns (not one within another), `\` makes the next
 * character an ordinary one. A dot is ordinary wherever it stands. The whole path has to match: `tmp/**` leaves a folder out,
 * `tmp` only a file of that name; `tmp/` is short for `tmp/**`.
 */
export interface Glob {
  matches(path: string): boolean;
  /** Whether everything below a folder matches, whatever it is called. The folder's path ends with `/`. */
  matchesAllBelow(folder: string): boolean;
}

/**
 * All ways to match go forward together, a character at a time, so the time is at most the product of both lengths,
 * whatever the pattern. A regular expression that tries one way after the other has no such bound.
 */
interface State {
  /** Which characters lead on; undefined: none has to. */
  readonly takes: ((character: string) => boolean) | undefined;
  /** Where to; it may be the state itself. */
  readonly to: number[];
}

/** Throws BAD_INPUT that says what is wrong with the pattern. */
export function compileGlob(text: string): Glob {
  const pattern = text.endsWith('/') ? `${text}**` : text;
  const { states, rest } = build([...pattern]);
  const prefix = /^[^*?[{\\]*/.exec(pattern)?.[0] ?? '';
  const run = (path: string): ReadonlySet<number> => (path.startsWith(prefix) ? walk(states, path) : new Set());
  return {
    matches: (path) => run(path).has(states.length),
    matchesAllBelow: (folder) => rest !== undefined && run(folder).has(rest),
  };
}

function walk(states: readonly State[], path: string): ReadonlySet<number> {
  let now = reach(states, [0]);
  for (const character of path) {
    const next: number[] = [];
    for (const number of now) {
      const state = states[number];
      if (state?.takes?.(character) === true) next.push(...state.to);
    }
    if (next.length === 0) return new Set();
    now = reach(states, next);
  }
  return now;
}

/** With all that is reached without a character. */
function reach(states: readonly State[], from: readonly number[]): Set<number> {
  const found = new Set<number>();
  const left = [...from];
  for (let number = left.pop(); number !== undefined; number = left.pop()) {
    if (found.has(number)) continue;
    found.add(number);
    const state = states[number];
    if (state !== undefined && state.takes === undefined) left.push(...state.to);
  }
  return found;
}

const anyone = (): boolean => true;
const noSlash = (character: string): boolean => character !== '/';

/** States in the order of the pattern, with the end after the last. `rest` is the loop of a `**` that ends the pattern. */
function build(signs: readonly string[]): { states: State[]; rest: number | undefined } {
  const states: State[] = [];
  let rest: number | undefined;
  let group: Group | undefined;
  for (let at = 0; at < signs.length;) {
    const sign = signs[at] ?? '';
    rest = undefined;
    if (sign === '{') {
      if (group !== undefined) throw wrong(signs, 'has a { within another');
      group = { split: states.length, ends: [] };
      states.push({ takes: undefined, to: [states.length + 1] });
      at += 1;
    } else if (group !== undefined && (sign === ',' || sign === '}')) {
      group.ends.push(states.length);
      states.push({ takes: undefined, to: [] });
      if (sign === ',') states[group.split]?.to.push(states.length);
      else {
        for (const end of group.ends) states[end]?.to.push(states.length);
        group = undefined;
      }
      at += 1;
    } else if (sign === '*') {
      const isDouble = signs[at + 1] === '*';
      if (isDouble) rest = states.length;
      // The loop takes what it may; from it one may go on at any time.
      const loop = states.length + 1;
      states.push({ takes: undefined, to: [loop, loop + 1] });
      states.push({ takes: isDouble ? anyone : noSlash, to: [loop - 1] });
      at += isDouble ? 2 : 1;
    } else {
      const { takes, length } = one(signs, at);
      states.push({ takes, to: [states.length + 1] });
      at += length;
    }
  }
  if (group !== undefined) throw wrong(signs, 'has a { without its }');
  return { states, rest };
}

interface Group {
  readonly split: number;
  readonly ends: number[];
}

/** What stands for one character. */
function one(signs: readonly string[], at: number): { takes: (character: string) => boolean; length: number } {
  const sign = signs[at] ?? '';
  if (sign === '?') return { takes: noSlash, length: 1 };
  if (sign === '[') return oneOfSome(signs, at);
  if (sign !== '\\') return { takes: (character) => character === sign, length: 1 };
  const next = signs[at + 1];
  if (next === undefined) throw wrong(signs, 'ends with a \\ that makes nothing ordinary');
  return { takes: (character) => character === next, length: 2 };
}

/** Within brackets `*`, `?` and `\` are ordinary, and so is a `-` that comes first. */
function oneOfSome(signs: readonly string[], at: number): { takes: (character: string) => boolean; length: number } {
  const end = signs.indexOf(']', at);
  if (end < 0) throw wrong(signs, 'has a [ without its ]');
  const isNot = signs[at + 1] === '!';
  const inner = signs.slice(at + (isNot ? 2 : 1), end);
  if (inner.length === 0) throw wrong(signs, 'has brackets with nothing in them');
  const ranges: [number, number][] = [];
  for (let i = 0; i < inner.length;) {
    const isRange = inner[i + 1] === '-' && inner[i + 2] !== undefined;
    const [from, to] = [codeOf(inner[i]), codeOf(inner[isRange ? i + 2 : i])];
    if (from > to) throw wrong(signs, 'has a range in brackets that runs backwards');
    ranges.push([from, to]);
    i += isRange ? 3 : 1;
  }
  const takes = (character: string): boolean => {
    const code = codeOf(character);
    return character !== '/' && ranges.some(([from, to]) => code >= from && code <= to) !== isNot;
  };
  return { takes, length: end - at + 1 };
}

function codeOf(character: string | undefined): number {
  return character?.codePointAt(0) ?? 0;
}

function wrong(signs: readonly string[], what: string): TenonError {
  return new TenonError('BAD_INPUT', `The pattern «${signs.join('').slice(0, 200)}» ${what}.`);
}

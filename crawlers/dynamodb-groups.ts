import type { DynamodbItem } from '../src/connections/dynamodb.ts';
import { ANY_ID, isVariable, joinTemplates, templateOf, type KeyPattern, type KeyToken } from './dynamodb-keys.ts';
import { TenonError } from '../src/model/errors.ts';
import { addGuess, newGuess, observe, type Guess, type Room } from './dynamodb-values.ts';

/** Items whose keys have one pattern. */
export interface Group {
  /** Of the partition key, and of the sort key where there is one. */
  readonly patterns: readonly KeyPattern[];
  items: number;
  /** By the names of the attributes, sorted and joined: items with exactly these. */
  readonly shapes: Map<string, Shape>;
}

/** Items with the same attributes, keys not counted. */
export interface Shape {
  items: number;
  readonly attributes: Map<string, Guess>;
}

/** More combinations of attributes than this are not told apart. */
const MAX_SHAPES = 64;

export function newGroup(patterns: readonly KeyPattern[]): Group {
  return { patterns, items: 0, shapes: new Map() };
}

/** Counts an item in. Throws LIMIT when there is no room for its attributes. True when it has an attribute, or a type of one, that no other of the group had. */
export function addItem(group: Group, item: DynamodbItem, keys: readonly string[], room: Room): boolean {
  const names = Object.keys(item)
    .filter((name) => !keys.includes(name))
    .sort();
  const shape = shapeFor(group, names);
  shape.items += 1;
  group.items += 1;
  let isNews = false;
  for (const name of [...keys, ...names]) {
    const value = item[name];
    if (value === undefined) continue;
    const guess = shape.attributes.get(name) ?? newGuess();
    if (guess.kinds.size === 0) addAttribute(shape, name, guess, room);
    const before = guess.kinds.size;
    observe(guess, value, room);
    isNews ||= guess.kinds.size > before && !isKnownElsewhere(group, shape, name, guess);
  }
  return isNews;
}

function addAttribute({ attributes }: Shape, name: string, guess: Guess, room: Room): void {
  room.left -= 1;
  if (room.left < 0)
    throw new TenonError('LIMIT', 'The items of the table have more different attributes than can be told apart.');
  attributes.set(name, guess);
}

function isKnownElsewhere(group: Group, shape: Shape, name: string, { kinds }: Guess): boolean {
  const kind = [...kinds.keys()].at(-1);
  for (const other of group.shapes.values()) {
    if (other !== shape && kind !== undefined && other.attributes.get(name)?.kinds.has(kind) === true) return true;
  }
  return false;
}

function shapeFor({ shapes }: Group, names: readonly string[]): Shape {
  const id = JSON.stringify(names);
  const known = shapes.get(id);
  if (known !== undefined) return known;
  if (shapes.size < MAX_SHAPES) {
    const made: Shape = { items: 0, attributes: new Map() };
    shapes.set(id, made);
    return made;
  }
  // Beyond that they are one, and soon full: nothing is compared for each item.
  const rest = shapes.get(REST) ?? { items: 0, attributes: new Map() };
  shapes.set(REST, rest);
  return rest;
}

const REST = '';

/** Adds what one group has to another. */
export function addGroup(to: Group, from: Group): void {
  to.items += from.items;
  for (const [id, shape] of from.shapes) {
    const known = to.shapes.get(id);
    if (known === undefined) to.shapes.set(id, shape);
    else addShape(known, shape);
  }
}

export function addShape(to: Shape, from: Shape): void {
  to.items += from.items;
  for (const [name, guess] of from.attributes) {
    const known = to.attributes.get(name);
    if (known === undefined) to.attributes.set(name, guess);
    else addGuess(known, guess);
  }
}

export function attributesOf(group: Group): Set<string> {
  return new Set([...group.shapes.values()].flatMap(({ attributes }) => [...attributes.keys()]));
}

/** How much of the smaller set is in the larger one, 0 to 1. */
export function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const least = Math.min(a.size, b.size);
  return least === 0 ? 1 : [...a].filter((name) => b.has(name)).length / least;
}

export function idOf(patterns: readonly KeyPattern[]): string {
  return JSON.stringify(patterns.map(templateOf));
}

/**
 * Puts together groups that differ only in what stands in a variable's place: ids that happen to look like dates, or, rarely
 * enough, like a word. The larger one keeps its pattern, as wide as both need it.
 */
export function absorb(groups: readonly Group[]): Group[] {
  const byCut = new Map<string, Group[]>();
  for (const group of groups.toSorted((a, b) => b.items - a.items)) {
    const cut = JSON.stringify(group.patterns.map(({ delimiters }) => delimiters));
    const kept = byCut.get(cut) ?? [];
    byCut.set(cut, kept);
    const host = kept.findIndex((one) => isHost(one, group));
    const found = kept[host];
    if (found === undefined) kept.push(group);
    else kept[host] = joined(found, group);
  }
  return [...byCut.values()].flat();
}

const SELDOM = 0.02;

function isHost(host: Group, guest: Group): boolean {
  if (overlap(attributesOf(host), attributesOf(guest)) < 0.8) return false;
  const isSeldom = guest.items <= host.items * SELDOM;
  return tokenPairs(host, guest).every(([a, b, isValue]) => {
    if (joinTemplates(a.template, b.template) !== undefined) return true;
    return isVariable(a.template) && (isValue || isSeldom);
  });
}

/** Of two groups that are cut alike; and whether a place of the second is behind a word, as the value of a label. */
function tokenPairs(a: Group, b: Group): (readonly [KeyToken, KeyToken, boolean])[] {
  return a.patterns.flatMap(({ tokens }, i) =>
    tokens.map((token, j) => {
      const others = b.patterns[i]?.tokens ?? [];
      return [token, others[j] ?? ANY_ID, others[j - 1]?.isWord === true] as const;
    }),
  );
}

function joined(host: Group, guest: Group): Group {
  const patterns = host.patterns.map(({ tokens, delimiters }, i) => ({
    delimiters,
    tokens: tokens.map((token, j): KeyToken => {
      const other = guest.patterns[i]?.tokens[j]?.template ?? token.template;
      return other === token.template ? token : { ...token, template: joinTemplates(token.template, other) ?? '{id}' };
    }),
  }));
  const group: Group = { patterns, items: host.items, shapes: host.shapes };
  addGroup(group, guest);
  return group;
}

import type { DynamodbItem } from '../src/connections/dynamodb.ts';
import { absorb, addGroup, addItem, attributesOf, idOf, newGroup, overlap, type Group } from './dynamodb-groups.ts';
import { ANY_ID, keyPattern, templateOf, type KeyPattern, type KeyToken } from './dynamodb-keys.ts';

/** More different words than this in one place are no words of a design: they are names of things. */
const MAX_WORDS = 32;
/** More patterns than this, and the places with most words lose them. */
const MAX_GROUPS = 500;
/** So many more are let in before it is tried again: it costs a look at all of them. */
const GROUPS_A_TRY = 50;
const MAX_PLACES = 10_000;
/** Attributes of all groups and shapes together, and fields inside of them. */
const MAX_ATTRIBUTES = 100_000;

/**
 * Sorts items by the patterns of their keys. A place in a key is where it stands behind what is before it: behind `USER#`,
 * say. Memory is bounded by words a place and by groups, whatever the table holds.
 */
export class Entities {
  readonly keys: readonly string[];
  items = 0;
  private groups = new Map<string, Group>();
  private most = MAX_GROUPS;
  private readonly room = { left: MAX_ATTRIBUTES };
  private readonly words = new Map<string, Set<string>>();
  /** Places where whatever stands there is an id; with what all that was seen there began with (`orderid_`), mostly nothing. */
  private readonly open = new Map<string, string>();

  /** `keys`: the partition key, and the sort key where there is one. */
  constructor(keys: readonly string[]) {
    this.keys = keys;
  }

  /** True when the item has something that none before it had. */
  add(item: DynamodbItem): boolean {
    this.items += 1;
    const raw = this.keys.map((key) => keyPattern(item[key] ?? {}));
    const general = this.generalize(raw);
    // Keys that were made to have no pattern (any delimiters, in any number) are all one.
    const isFull = this.groups.size >= 2 * MAX_GROUPS && !this.groups.has(idOf(general));
    const patterns = isFull ? raw.map(() => ({ tokens: [ANY_ID], delimiters: [] })) : general;
    const id = idOf(patterns);
    const known = this.groups.get(id);
    const group = known ?? newGroup(patterns);
    if (known === undefined) this.groups.set(id, group);
    const isNews = addItem(group, item, this.keys, this.room);
    if (known !== undefined) return isNews;
    const opened = this.openWide();
    return !opened;
  }

  /** The groups as all items together show them; nothing may be added afterwards. */
  finish(): Group[] {
    for (let round = 0; round < 10; round += 1) {
      const places = [...this.places()].filter(([, place]) => isOpen(place));
      if (places.length === 0) break;
      for (const [place, { words }] of places) this.open.set(place, commonPrefix([...words.keys()]));
      this.regroup();
    }
    return absorb([...this.groups.values()]);
  }

  /** With `{id}` in each open place, and the words of the others noted. */
  private generalize(raw: readonly KeyPattern[]): KeyPattern[] {
    let before = '';
    return raw.map(({ tokens, delimiters }) => {
      before += '\n';
      const general = tokens.map((token, i): KeyToken => {
        const kept = token.isWord && this.isOpenHere(before, token.template) ? this.idIn(before, token.template) : token;
        before += kept.template + (delimiters[i] ?? '');
        return kept;
      });
      return { tokens: general, delimiters };
    });
  }

  private idIn(place: string, word: string): KeyToken {
    const prefix = this.open.get(place) ?? '';
    return prefix !== '' && word.startsWith(prefix) ? { template: `${prefix}{id}`, isWord: false } : ANY_ID;
  }

  private isOpenHere(place: string, word: string): boolean {
    if (this.open.has(place)) return true;
    const words = this.words.get(place) ?? new Set();
    if (words.size === 0 && this.words.size >= MAX_PLACES) return true;
    this.words.set(place, words);
    words.add(word);
    return false;
  }

  /** Opens the places that have grown too many words; with too many groups also those with most. */
  private openWide(): boolean {
    const isCrowded = this.groups.size > this.most;
    const sizes = [...this.words.values()].map(({ size }) => size);
    const limit = isCrowded ? Math.min(Math.max(...sizes, 2) - 1, MAX_WORDS) : MAX_WORDS;
    const wide = [...this.words].filter(([, { size }]) => size > limit);
    for (const [place, words] of wide) this.open.set(place, commonPrefix([...words]));
    if (wide.length > 0) this.regroup();
    if (isCrowded) this.most = Math.max(this.most, this.groups.size) + GROUPS_A_TRY;
    return wide.length > 0;
  }

  private regroup(): void {
    const before = [...this.groups.values()];
    this.groups = new Map();
    this.words.clear();
    for (const group of before) {
      const patterns = this.generalize(group.patterns);
      const id = idOf(patterns);
      const known = this.groups.get(id);
      if (known !== undefined) addGroup(known, group);
      else this.groups.set(id, { ...group, patterns });
    }
  }

  /** Each place that still has words, with the groups that each word leads to. */
  private places(): Map<string, Place> {
    const places = new Map<string, Place>();
    for (const group of this.groups.values()) {
      let before = '';
      for (const [i, { tokens, delimiters }] of group.patterns.entries()) {
        before += '\n';
        for (const [j, token] of tokens.entries()) {
          if (token.isWord) {
            const place = places.get(before) ?? { ...positionOf(i, j, tokens, delimiters), words: new Map<string, Group[]>() };
            places.set(before, place);
            const rest = place.words.get(token.template) ?? [];
            place.words.set(token.template, [...rest, group]);
          }
          before += token.template + (delimiters[j] ?? '');
        }
      }
    }
    return places;
  }
}

/** Up to the last `_` or `-` that all of them share. */
function commonPrefix(words: readonly string[]): string {
  const [first = '', ...others] = words;
  for (let at = first.length; at > 0; at -= 1) {
    const prefix = first.slice(0, at);
    if (/^[^{}]+[_-]$/.test(prefix) && others.length > 0 && others.every((word) => word.startsWith(prefix))) return prefix;
  }
  return '';
}

interface Place {
  /** Behind another word, as the value of a label: `STATUS#open`. */
  readonly isValue: boolean;
  /** Nothing but this is the partition key. */
  readonly isWholeKey: boolean;
  readonly words: Map<string, Group[]>;
}

function positionOf(key: number, at: number, tokens: readonly KeyToken[], delimiters: readonly string[]) {
  const before = tokens[at - 1];
  return { isValue: before?.isWord === true, isWholeKey: key === 0 && delimiters.length === 0 };
}

/**
 * Whether the words in a place are no part of the design, but names and states. A label stays unless nearly every item has
 * another one. What stands behind a label, or is the whole key, is data as soon as a few of them have the same attributes; so is
 * what stands behind a label and was hardly ever seen, since no name of somebody shall get into the catalog.
 */
function isOpen({ isValue, isWholeKey, words }: Place): boolean {
  const groups = [...words.values()];
  const items = groups.flat().reduce((sum, group) => sum + group.items, 0);
  const average = items / words.size;
  if (words.size >= 8 && average < 2) return true;
  if (isWholeKey && words.size >= 2 && average < 2) return areAlike(groups);
  if (isValue && average < 3) return true;
  return (isValue || isWholeKey) && words.size >= 3 && areAlike(groups);
}

function areAlike(words: readonly (readonly Group[])[]): boolean {
  const sets = words.map((groups) => new Set(groups.flatMap((group) => [...attributesOf(group)])));
  const [first = new Set<string>(), ...others] = sets;
  const tails = words.map((groups) => JSON.stringify(groups.map(({ patterns }) => patterns.slice(1).map(templateOf)).sort()));
  return others.every((set) => overlap(first, set) >= 0.8) && tails.every((tail) => tail === tails[0]);
}

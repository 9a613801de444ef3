import { z } from 'zod';
import type { PreviousTable } from '../src/crawl/crawler.ts';
import { formatType, parseType } from '../src/model/types.ts';
import { isCovered } from './dynamodb-keys.ts';
import { overlap } from './dynamodb-groups.ts';
import { unify } from './dynamodb-types.ts';

const ATTRIBUTE = z.object({
  name: z.string(),
  /** Of the items of its entity type, how many have it. */
  share: z.number(),
  /** How many sampled items had each type, `null` among them. */
  types: z.record(z.string(), z.number()),
});

const ENTITY = z.object({
  name: z.string(),
  /** By the names of the keys: `{PK: 'USER#{id}', SK: 'ORDER#{date}'}`. */
  keyTemplate: z.record(z.string(), z.string()),
  /** Sampled items of this type. */
  items: z.number(),
  /** Of all sampled items. */
  share: z.number(),
  /** Seen once or twice: `low`; from 3 items `medium`; from 30 `high`. */
  confidence: z.enum(['low', 'medium', 'high']),
  attributes: z.array(ATTRIBUTE),
});

const MEMORY = z.object({
  dynamodb: z.object({
    sample: z.object({ items: z.number(), whole: z.boolean() }),
    entityTypes: z.array(ENTITY),
    ttl: z.string().optional(),
    tags: z.record(z.string(), z.string()).optional(),
  }),
});

export type AttributeType = z.output<typeof ATTRIBUTE>;
export type EntityType = z.output<typeof ENTITY>;

/** What is known of a table's items. */
export interface Sample {
  readonly items: number;
  /** Every item was read: then what is not here is not there. */
  readonly whole: boolean;
  readonly entityTypes: readonly EntityType[];
}

export interface Memory extends Sample {
  readonly ttl?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** What an earlier crawl has left in the table's details; undefined where there is nothing that can be read. */
export function recall(previous: PreviousTable | undefined): Memory | undefined {
  const parsed = MEMORY.safeParse(previous?.details?.source);
  if (!parsed.success) return undefined;
  const { sample, entityTypes, ttl, tags } = parsed.data.dynamodb;
  return { ...sample, entityTypes, ttl, tags };
}

/**
 * What is known now. A table that was read whole is as it was found. A sample only adds: what it has not met may still be
 * there. While it tells nothing new the old words stay, counts and shares with them, so that nothing has to be written.
 */
export function remember(before: Sample | undefined, found: Sample): Sample {
  if (before === undefined) return found;
  const now = found.whole ? withNames(before, found) : together(before, found);
  return isSame(before, now) ? before : now;
}

function withNames(before: Sample, found: Sample): Sample {
  const known = [...before.entityTypes];
  const entityTypes = found.entityTypes.map((one) => {
    const at = known.findIndex((other) => isSameType(other, one));
    const [match] = at < 0 ? [] : known.splice(at, 1);
    return match === undefined || found.entityTypes.some((other) => other !== one && other.name === match.name)
      ? one
      : { ...one, name: match.name };
  });
  return { ...found, entityTypes };
}

function together(before: Sample, found: Sample): Sample {
  const merged = [...before.entityTypes];
  for (const one of found.entityTypes) {
    const at = merged.findIndex((known) => isSameType(known, one));
    const known = merged[at];
    if (known === undefined) merged.push({ ...one, name: freeName(one.name, merged) });
    else merged[at] = addType(known, one);
  }
  const items = before.items + found.items;
  const entityTypes = merged.map((one) => ({ ...one, share: rounded(one.items / items), confidence: confidenceOf(one.items) }));
  return { items, whole: false, entityTypes: entityTypes.sort(byItems) };
}

/** The same keys or narrower ones, and largely the same attributes. */
function isSameType(a: EntityType, b: EntityType): boolean {
  const keys = Object.keys(a.keyTemplate);
  if (keys.join('\n') !== Object.keys(b.keyTemplate).join('\n')) return false;
  const fits = (x: EntityType, y: EntityType) =>
    keys.every((key) => isCovered(x.keyTemplate[key] ?? '', y.keyTemplate[key] ?? ''));
  if (!fits(a, b) && !fits(b, a)) return false;
  const own = ({ attributes }: EntityType) => new Set(attributes.map(({ name }) => name).filter((name) => !keys.includes(name)));
  return overlap(own(a), own(b)) >= 0.5;
}

function addType(known: EntityType, found: EntityType): EntityType {
  const keys = Object.keys(known.keyTemplate);
  const isWider = keys.every((key) => isCovered(known.keyTemplate[key] ?? '', found.keyTemplate[key] ?? ''));
  const items = known.items + found.items;
  const names = [...new Set([...known.attributes, ...found.attributes].map(({ name }) => name))];
  const attributes = names.map((name) => {
    const both = [known, found].map((one) => one.attributes.find((attribute) => attribute.name === name)?.types ?? {});
    return attributeType(
      name,
      both.flatMap((types) => Object.entries(types)),
      items,
    );
  });
  return { ...known, keyTemplate: isWider ? found.keyTemplate : known.keyTemplate, items, attributes: attributes.sort(byName) };
}

/** Types of one nature become one; what is left side by side makes the column text. */
export function attributeType(name: string, seen: readonly (readonly [string, number])[], items: number): AttributeType {
  const types: [string, number][] = [];
  for (const [text, count] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const at = types.findIndex(([other]) => uniteTexts(other, text) !== undefined);
    const known = types[at];
    if (known === undefined) types.push([text, count]);
    else types[at] = [uniteTexts(known[0], text) ?? text, known[1] + count];
  }
  const total = types.reduce((sum, [, count]) => sum + count, 0);
  return { name, share: rounded(total / items), types: Object.fromEntries(types.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function uniteTexts(a: string, b: string): string | undefined {
  if (a === b) return a;
  if (a === 'null' || b === 'null') return undefined;
  const type = unify(parseType(a), parseType(b));
  return type === undefined ? undefined : formatType(type);
}

export function confidenceOf(items: number): EntityType['confidence'] {
  return items < 3 ? 'low' : items < 30 ? 'medium' : 'high';
}

/** Two digits that tell: 0.97, 0.034, 0.00012. */
export function rounded(share: number): number {
  return Number(Math.min(1, share).toPrecision(2));
}

export function freeName(name: string, taken: readonly { readonly name: string }[]): string {
  for (let n = 1; ; n += 1) {
    const wanted = n === 1 ? name : `${name}_${n}`;
    if (!taken.some((one) => one.name === wanted)) return wanted;
  }
}

export function byItems(a: EntityType, b: EntityType): number {
  return b.items - a.items || (JSON.stringify(a.keyTemplate) < JSON.stringify(b.keyTemplate) ? -1 : 1);
}

function byName(a: AttributeType, b: AttributeType): number {
  return a.name < b.name ? -1 : 1;
}

/** A share moves with each sample; so much is no chance. */
const MOVED = 0.15;

function isSame(before: Sample, now: Sample): boolean {
  if (structureOf(before) !== structureOf(now)) return false;
  return now.entityTypes.every(({ name, share }) => {
    const known = before.entityTypes.find((one) => one.name === name);
    return known !== undefined && Math.abs(known.share - share) < MOVED;
  });
}

function structureOf({ entityTypes }: Sample): string {
  const types = entityTypes.map(({ name, keyTemplate, confidence, attributes }) => [
    name,
    Object.entries(keyTemplate).sort(),
    confidence,
    attributes.map((attribute) => [attribute.name, Object.keys(attribute.types).sort()]).sort(),
  ]);
  return JSON.stringify(types.map((type) => JSON.stringify(type)).sort());
}

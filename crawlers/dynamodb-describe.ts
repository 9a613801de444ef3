import type { Column } from '../src/model/schema.ts';
import { formatType, parseType, simple, type ColumnType } from '../src/model/types.ts';
import type { Entities } from './dynamodb-entities.ts';
import type { Group, Shape } from './dynamodb-groups.ts';
import { isVariable, templateOf } from './dynamodb-keys.ts';
import { attributeType, byItems, confidenceOf, freeName, rounded, type EntityType, type Sample } from './dynamodb-memory.ts';
import { partShapes } from './dynamodb-shapes.ts';
import { settled, unify } from './dynamodb-types.ts';
import { typesOf } from './dynamodb-values.ts';

/** What the sampled items come to. */
export function describeSample(entities: Entities, whole: boolean): Sample {
  const { keys, items } = entities;
  const types: EntityType[] = [];
  const parts = entities
    .finish()
    .flatMap((group) => partShapes(group, keys).map((shape) => ({ group, shape })))
    .sort((a, b) => b.shape.items - a.shape.items || (templates(a.group) < templates(b.group) ? -1 : 1));
  for (const { group, shape } of parts) types.push(entityType(group, shape, keys, items, types));
  return { items, whole, entityTypes: types.sort(byItems) };
}

function templates({ patterns }: Group): string {
  return patterns.map(templateOf).join('\n');
}

function entityType(group: Group, shape: Shape, keys: readonly string[], all: number, taken: readonly EntityType[]): EntityType {
  const attributes = [...shape.attributes]
    .map(([name, guess]) => {
      const nulls = guess.kinds.get('NULL') ?? 0;
      const types = typesOf(guess).map(([type, count]): [string, number] => [formatType(type), count]);
      return attributeType(name, nulls > 0 ? [...types, ['null', nulls]] : types, shape.items);
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    name: freeName(nameOf(group), taken),
    keyTemplate: Object.fromEntries(keys.map((key, i) => [key, templateOf(group.patterns[i] ?? { tokens: [], delimiters: [] })])),
    items: shape.items,
    share: rounded(shape.items / all),
    confidence: confidenceOf(shape.items),
    attributes,
  };
}

/** From the words of its keys: `USER#{id}` with `ORDER#{date}` is `USER_ORDER`. */
function nameOf({ patterns }: Group): string {
  const words = patterns.flatMap(({ tokens }) =>
    tokens.flatMap(({ template }) => {
      const word = template
        .replace(/\{\w+\}/g, '')
        .replace(/[^\p{L}\p{N}]+/gu, '_')
        .replace(/^_+|_+$/g, '');
      return isVariable(template) || word === '' ? [] : [word];
    }),
  );
  return [...new Set(words)].join('_').slice(0, 100) || 'item';
}

/** A key of the table, with its type as the table declares it: `S`, `N` or `B`. */
export interface DeclaredKey {
  readonly name: string;
  readonly type: string;
}

/** The keys in front, which no item is without; then all attributes of all entity types by their names. */
export function columnsOf(keys: readonly DeclaredKey[], { entityTypes }: Pick<Sample, 'entityTypes'>): Column[] {
  const seen = new Map<string, Set<string>>();
  for (const { attributes } of entityTypes) {
    for (const { name, types } of attributes) {
      const texts = seen.get(name) ?? new Set();
      seen.set(name, texts);
      for (const text of Object.keys(types)) texts.add(text);
    }
  }
  const keyColumns = keys.map(({ name, type }): Column => ({
    name,
    type: keyType(type, seen.get(name)),
    nullable: false,
    sourceType: type,
  }));
  const others = [...seen]
    .filter(([name]) => name !== '' && !keys.some((key) => key.name === name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return [...keyColumns, ...others.map(([name, texts]): Column => ({ name, ...typeOfTexts(texts) }))];
}

function keyType(declared: string, texts: ReadonlySet<string> | undefined): ColumnType {
  if (declared === 'B') return simple('binary');
  if (declared === 'S') return simple('string');
  return texts === undefined || texts.size === 0 ? simple('bigint') : typeOfTexts(texts).type;
}

function typeOfTexts(texts: ReadonlySet<string>): { type: ColumnType; sourceType: string } {
  const types: ColumnType[] = [];
  for (const text of [...texts].filter((one) => one !== 'null').sort()) {
    const type = parseType(text);
    const at = types.findIndex((other) => unify(other, type) !== undefined);
    const known = types[at];
    if (known === undefined) types.push(type);
    else types[at] = unify(known, type) ?? type;
  }
  const [only, ...more] = types;
  // Mixed values are text; the details say how often each type was there.
  const type = only === undefined || more.length > 0 ? simple('string') : settled(only);
  return { type, sourceType: types.length === 0 ? 'NULL' : types.map(letterOf).sort().join('|') };
}

/** As DynamoDB calls it. A set is a list to a reader, and is called so. */
function letterOf(type: ColumnType): string {
  const letters: Readonly<Record<string, string>> = {
    string: 'S',
    binary: 'B',
    boolean: 'BOOL',
    array: 'L',
    map: 'M',
    struct: 'M',
  };
  return letters[type.kind] ?? 'N';
}

import { foldName } from '../model/names.ts';
import { simple, type ColumnType, type StructField } from '../model/types.ts';
import { textKind, typeOfKinds, type TextKind } from './infer.ts';
import type { JsonNode } from './json-reader.ts';

/** What was seen in one place of many JSON records. */
export interface NodeGuess {
  /** Values other than null. */
  values: number;
  /** Kinds of numbers. `huge`: an integer that no bigint holds. */
  readonly numbers: Set<TextKind | 'huge'>;
  readonly texts: Set<TextKind>;
  boolean: boolean;
  item: NodeGuess | undefined;
  /** Undefined: no object was seen. */
  fields: Map<string, NodeGuess> | undefined;
}

export function nodeGuess(): NodeGuess {
  return { values: 0, numbers: new Set(), texts: new Set(), boolean: false, item: undefined, fields: undefined };
}

export function observeNode(guess: NodeGuess, node: JsonNode): void {
  if (node.kind !== 'null') guess.values += 1;
  switch (node.kind) {
    case 'null':
      return;
    case 'boolean':
      guess.boolean = true;
      return;
    case 'number':
      guess.numbers.add(numberKind(node.text));
      return;
    case 'string':
      if (!guess.texts.has('string')) guess.texts.add(node.text === '' ? 'string' : textKind(node.text));
      return;
    case 'array':
      guess.item ??= nodeGuess();
      for (const item of node.items) observeNode(guess.item, item);
      return;
    case 'object':
      guess.fields ??= new Map();
      for (const [name, value] of node.fields) observeField(guess.fields, name, value);
  }
}

function observeField(fields: Map<string, NodeGuess>, name: string, value: JsonNode): void {
  const field = fields.get(name) ?? nodeGuess();
  fields.set(name, field);
  observeNode(field, value);
}

function numberKind(text: string): TextKind | 'huge' {
  if (/[.eE]/.test(text)) return 'float';
  if (text.length <= 15) return 'int';
  return BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? 'long' : 'huge';
}

/** Objects with more different fields than this, all of one type, are taken for dictionaries. */
const MAP_FIELDS = 200;
/** Deeper nesting is kept as its JSON text. */
const TYPE_DEPTH = 24;

/**
 * The type of a place. Where values of different natures meet it is `string`: a reader then gives their JSON text. Only
 * texts that are all dates or times become such; digits in quotes were quoted for a reason.
 */
export function nodeType(guess: NodeGuess, depth = 0): ColumnType {
  const natures = [
    guess.numbers.size > 0,
    guess.texts.size > 0,
    guess.boolean,
    guess.item !== undefined,
    guess.fields !== undefined,
  ];
  if (natures.filter(Boolean).length !== 1 || depth > TYPE_DEPTH) return simple('string');
  if (guess.boolean) return simple('boolean');
  if (guess.item !== undefined) return { kind: 'array', element: nodeType(guess.item, depth + 1) };
  if (guess.fields !== undefined) return objectType(guess.fields, depth);
  return guess.numbers.size > 0 ? numberType(guess.numbers) : textType(guess.texts);
}

/** False where only nulls and empty arrays were seen: its type is a placeholder then. */
export function hasValues({ numbers, texts, boolean, item, fields }: NodeGuess): boolean {
  return numbers.size > 0 || texts.size > 0 || boolean || fields !== undefined || (item !== undefined && hasValues(item));
}

function numberType(kinds: ReadonlySet<TextKind | 'huge'>): ColumnType {
  if (kinds.has('huge')) return simple('string');
  if (!kinds.has('float')) return simple('bigint');
  return simple(kinds.has('long') ? 'string' : 'double');
}

function textType(kinds: ReadonlySet<TextKind>): ColumnType {
  const type = typeOfKinds(kinds);
  return type.kind === 'date' || type.kind === 'timestamp' || type.kind === 'timestamptz' ? type : simple('string');
}

/** Readers find fields whatever their case, and none without a name: such objects are kept as their JSON text. */
function objectType(fields: ReadonlyMap<string, NodeGuess>, depth: number): ColumnType {
  const names = new Set([...fields.keys()].map(foldName));
  if (fields.size === 0 || names.size < fields.size || names.has('')) return simple('string');
  // What was null everywhere is left out, unless nothing else is there: it would make strings of other files' numbers.
  const valued = [...fields].filter(([, field]) => hasValues(field));
  const structFields: StructField[] = (valued.length > 0 ? valued : [...fields]).map(([name, field]) => ({
    name,
    type: nodeType(field, depth + 1),
  }));
  if (fields.size <= MAP_FIELDS) return { kind: 'struct', fields: structFields };
  return { kind: 'map', key: simple('string'), value: nodeType(mergeGuesses([...fields.values()]), depth + 1) };
}

function mergeGuesses(guesses: readonly NodeGuess[]): NodeGuess {
  const merged = nodeGuess();
  for (const guess of guesses) addGuess(merged, guess);
  return merged;
}

function addGuess(to: NodeGuess, from: NodeGuess): void {
  to.values += from.values;
  for (const kind of from.numbers) to.numbers.add(kind);
  for (const kind of from.texts) to.texts.add(kind);
  to.boolean ||= from.boolean;
  if (from.item !== undefined) addGuess((to.item ??= nodeGuess()), from.item);
  if (from.fields === undefined) return;
  to.fields ??= new Map();
  for (const [name, field] of from.fields) {
    const known = to.fields.get(name) ?? nodeGuess();
    to.fields.set(name, known);
    addGuess(known, field);
  }
}

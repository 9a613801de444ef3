import { foldName } from '../model/names.ts';
import type { Column } from '../model/schema.ts';
import { simple, type ColumnType, type StructField } from '../model/types.ts';
import { BLANK } from './blank.ts';
import { guessedType, observeText, textGuess, type TextGuess } from './text-guess.ts';
import type { XmlNode } from './xml-tree.ts';

/** What was seen in one place of many rows. */
interface XmlGuess {
  /** Text between its tags. */
  readonly text: TextGuess;
  hasText: boolean;
  /** Attributes with `_` in front, and children. */
  readonly fields: Map<string, XmlGuess>;
  /** It stood more than once in one parent. */
  repeated: boolean;
}

/** Glue's words: the prefix of attributes, and the text of an element that has more than text. */
const ATTRIBUTE = '_';
const VALUE = '_VALUE';
/** Deeper nesting is kept as its text, as it is for JSON. */
const TYPE_DEPTH = 24;

function xmlGuess(): XmlGuess {
  return { text: textGuess(), hasText: false, fields: new Map(), repeated: false };
}

class TooMany extends Error {}

/** The columns of rows, and names that are there in two spellings. Undefined: there are more fields than `most`. */
export function xmlColumns(rows: readonly XmlNode[], most: number): { columns: Column[]; twice: string[] } | undefined {
  const guess = xmlGuess();
  let fields = 0;
  const counted = (): void => {
    fields += 1;
    if (fields > most) throw new TooMany();
  };
  try {
    for (const row of rows) observe(guess, row, counted);
  } catch (error) {
    if (error instanceof TooMany) return undefined;
    throw error;
  }
  if (guess.hasText) guess.fields.set(VALUE, { ...xmlGuess(), text: guess.text, hasText: true });
  const columns = new Map<string, Column>();
  const twice: string[] = [];
  for (const [name, field] of guess.fields) {
    if (columns.has(foldName(name))) twice.push(name);
    else columns.set(foldName(name), { name, type: typeOf(field, 0), ...(isBlank(field) && { sourceType: BLANK }) });
  }
  return { columns: [...columns.values()], twice };
}

function observe(guess: XmlGuess, node: XmlNode, counted: () => void): void {
  const text = node.text.trim();
  if (text !== '') {
    guess.hasText = true;
    observeText(guess.text, text);
  }
  for (const [name, value] of node.attributes) {
    const field = fieldOf(guess, ATTRIBUTE + name, counted);
    field.hasText = true;
    observeText(field.text, value.trim());
  }
  const met = new Set<string>();
  for (const child of node.children) {
    const field = fieldOf(guess, child.name, counted);
    if (met.has(child.name)) field.repeated = true;
    met.add(child.name);
    observe(field, child, counted);
  }
}

function fieldOf(guess: XmlGuess, name: string, counted: () => void): XmlGuess {
  const known = guess.fields.get(name);
  if (known !== undefined) return known;
  const made = xmlGuess();
  guess.fields.set(name, made);
  counted();
  return made;
}

function isBlank({ fields, text }: XmlGuess): boolean {
  return fields.size === 0 && text.kinds.size === 0 && text.nulls.size === 0;
}

function typeOf(guess: XmlGuess, depth: number): ColumnType {
  const type = guess.fields.size === 0 ? guessedType(guess.text, undefined) : structOf(guess, depth);
  return guess.repeated ? { kind: 'array', element: type } : type;
}

/** Readers find fields whatever their case: what they could not tell apart is kept as text. */
function structOf(guess: XmlGuess, depth: number): ColumnType {
  const names = new Set([...guess.fields.keys()].map(foldName));
  if (names.size < guess.fields.size || depth >= TYPE_DEPTH) return simple('string');
  const fields: StructField[] = [...guess.fields].map(([name, field]) => ({ name, type: typeOf(field, depth + 1) }));
  const value: StructField[] =
    guess.hasText && !names.has(foldName(VALUE)) ? [{ name: VALUE, type: guessedType(guess.text, undefined) }] : [];
  return { kind: 'struct', fields: [...fields, ...value] };
}

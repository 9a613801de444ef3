import type { Classification } from '../../src/crawl/classifier.ts';
import type { ColumnType } from '../../src/model/types.ts';
import type { Label, LabelType } from './corpus.ts';

/** What somebody says of a file, in the words of the labels. */
export interface Guess {
  readonly delimiter?: string;
  readonly quote?: string;
  readonly header?: boolean;
  readonly skip?: number;
  readonly encoding?: string;
  readonly rows?: number;
  readonly columns: readonly { readonly name: string; readonly type: Guessed }[];
}

/** A word, or something nested; struct fields in their order. */
export type Guessed =
  | string
  | { readonly struct: readonly (readonly [string, Guessed])[] }
  | { readonly array: Guessed }
  | { readonly map: Guessed };

export interface Verdict {
  /** Separators, quotes, lines to skip and encoding of csv; the records of json. */
  readonly dialect: boolean;
  readonly header: boolean;
  readonly names: boolean;
  /** Columns of the right type, of so many. */
  readonly types: number;
  readonly columns: number;
  /** All of it. */
  readonly whole: boolean;
}

/** `undefined`: nothing was found, or an error was given. */
export function judge(label: Label, guess: Guess | undefined): Verdict {
  if (label.format === 'none' || label.format === 'error') {
    const right = guess === undefined || guess.columns.length < 2;
    return { dialect: right, header: right, names: right, types: 0, columns: 0, whole: right };
  }
  const columns = label.columns.length;
  if (guess === undefined) return { dialect: false, header: false, names: false, types: 0, columns, whole: false };
  const dialect = label.format === 'csv' ? isDialect(label, guess) : label.rows === undefined || guess.rows === label.rows;
  const header = label.format === 'json' || label.header === 'any' || guess.header === label.header;
  const names = header && isNamed(label, guess);
  const types =
    guess.columns.length === columns ? label.columns.filter(({ type }, i) => fits(type, guess.columns[i]?.type)).length : 0;
  return { dialect, header, names, types, columns, whole: dialect && header && names && types === columns };
}

function isDialect(label: Label, guess: Guess): boolean {
  const same = (key: 'quote' | 'skip' | 'encoding'): boolean => label[key] === undefined || label[key] === guess[key];
  // A table of one column shows no delimiter.
  const delimiter = label.columns.length === 1 || label.delimiter === guess.delimiter;
  return delimiter && guess.columns.length === label.columns.length && same('quote') && same('skip') && same('encoding');
}

function isNamed(label: Label, guess: Guess): boolean {
  return (
    guess.columns.length === label.columns.length &&
    label.columns.every(({ name }, i) => name === '*' || name === guess.columns[i]?.name.trim())
  );
}

function fits(label: LabelType, guess: Guessed | undefined): boolean {
  if (guess === undefined) return false;
  if (typeof label === 'string') return label.split('|').some((word) => word === '*' || word === guess);
  if (isList(label)) return label.some((one) => fits(one, guess));
  if (typeof guess === 'string') return false;
  if ('array' in label) return 'array' in guess && fits(label.array, guess.array);
  if ('map' in label) return 'map' in guess && fits(label.map, guess.map);
  if (!('struct' in guess)) return false;
  const fields = new Map(guess.struct);
  // A field in which nothing was ever seen may be left out.
  const missing = Object.entries(label.struct).filter(([name, type]) => !fields.has(name) && type !== '*');
  return missing.length === 0 && guess.struct.every(([name, type]) => fits(label.struct[name] ?? [], type));
}

function isList(label: LabelType): label is readonly LabelType[] {
  return Array.isArray(label);
}

export function guessOf(found: Classification): Guess {
  const options = found.format.options ?? {};
  const text = (name: string): string | undefined => (options[name] === undefined ? undefined : String(options[name]));
  const delimiter = text('delimiter');
  const quote = text('quote');
  return {
    ...(delimiter !== undefined && { delimiter }),
    ...(quote !== undefined && { quote }),
    encoding: text('encoding') ?? 'utf-8',
    header: options['header'] === true,
    skip: Number(options['skip'] ?? 0),
    ...(found.rows !== undefined && { rows: Number(found.rows) }),
    columns: found.columns.map(({ name, type }) => ({ name, type: wordOf(type) })),
  };
}

function wordOf(type: ColumnType): Guessed {
  switch (type.kind) {
    case 'array':
      return { array: wordOf(type.element) };
    case 'map':
      return { map: wordOf(type.value) };
    case 'struct':
      return { struct: type.fields.map((field) => [field.name, wordOf(field.type)] as const) };
    case 'tinyint':
    case 'smallint':
      return 'int';
    case 'float':
      return 'double';
    default:
      return type.kind;
  }
}

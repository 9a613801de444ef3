import { TenonError } from './errors.ts';

/**
 * Column types as the catalog keeps them, after Hive's type system. Outside (API, command line, Glue door) a type is its
 * Hive text: see `formatType` and `parseType`.
 */
export type ColumnType =
  | { readonly kind: SimpleKind }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'array'; readonly element: ColumnType }
  | { readonly kind: 'map'; readonly key: ColumnType; readonly value: ColumnType }
  | { readonly kind: 'struct'; readonly fields: readonly StructField[] };

export interface StructField {
  readonly name: string;
  readonly type: ColumnType;
}

/** `timestamp` is a wall-clock time without a zone; `timestamptz` an instant, in Hive's words `timestamp with local time zone`. */
export const SIMPLE_KINDS = [
  'boolean',
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'string',
  'binary',
  'date',
  'timestamp',
  'timestamptz',
] as const;
export type SimpleKind = (typeof SIMPLE_KINDS)[number];

export const MAX_DECIMAL_PRECISION = 38;
/** Deeper nesting than this is refused: nothing real has it, and every walk over a type may then be recursive. */
export const MAX_TYPE_DEPTH = 64;

export function simple(kind: SimpleKind): ColumnType {
  return { kind };
}

/** Hive's spelling: `bigint`, `decimal(10,2)`, `array<struct<a:int,b:string>>`. A field name that is not plain is quoted with backticks. */
export function formatType(type: ColumnType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'array':
      return `array<${formatType(type.element)}>`;
    case 'map':
      return `map<${formatType(type.key)},${formatType(type.value)}>`;
    case 'struct':
      return `struct<${type.fields.map((field) => `${formatFieldName(field.name)}:${formatType(field.type)}`).join(',')}>`;
    case 'timestamptz':
      return 'timestamp with local time zone';
    default:
      return type.kind;
  }
}

function formatFieldName(name: string): string {
  return /^[\p{L}\p{N}_$.@ -]+$/u.test(name) && name.trim() === name && name !== '' ? name : `\`${name.replaceAll('`', '``')}\``;
}

/** Reads what `formatType` writes, in any case, with spaces, and with the aliases that Hive, Spark and Trino use. */
export function parseType(text: string): ColumnType {
  const reader = new TypeReader(text);
  const type = reader.type(0);
  reader.end();
  return type;
}

export function sameType(a: ColumnType, b: ColumnType): boolean {
  return formatType(a) === formatType(b);
}

const ALIASES: Readonly<Record<string, SimpleKind>> = {
  bool: 'boolean',
  byte: 'tinyint',
  short: 'smallint',
  integer: 'int',
  long: 'bigint',
  real: 'float',
  'double precision': 'double',
  text: 'string',
  varbinary: 'binary',
  'timestamp with local time zone': 'timestamptz',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
  timestamp_ntz: 'timestamp',
  timestamp_ltz: 'timestamptz',
};

class TypeReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  type(depth: number): ColumnType {
    if (depth > MAX_TYPE_DEPTH) throw this.error(`is nested deeper than ${MAX_TYPE_DEPTH} levels`);
    const word = this.word();
    if (word === 'array') return this.inBrackets(() => ({ kind: 'array', element: this.type(depth + 1) }));
    if (word === 'map') return this.inBrackets(() => this.map(depth));
    if (word === 'struct' || word === 'row') return this.inBrackets(() => ({ kind: 'struct', fields: this.fields(depth) }));
    if (word === 'decimal' || word === 'numeric') return this.decimal();
    if (word === 'varchar' || word === 'char') {
      if (this.skip('(')) {
        this.number();
        this.expect(')');
      }
      return { kind: 'string' };
    }
    const kind = ALIASES[word] ?? SIMPLE_KINDS.find((candidate) => candidate === word);
    if (kind === undefined) throw this.error(`has an unknown type «${word}»`);
    return { kind };
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) throw this.error(`goes on after its end with «${this.text.slice(this.at, this.at + 20)}»`);
  }

  private map(depth: number): ColumnType {
    const key = this.type(depth + 1);
    this.expect(',');
    return { kind: 'map', key, value: this.type(depth + 1) };
  }

  private fields(depth: number): StructField[] {
    const fields: StructField[] = [];
    this.space();
    if (this.text[this.at] === '>') return fields;
    do {
      const name = this.fieldName();
      this.expect(':');
      fields.push({ name, type: this.type(depth + 1) });
    } while (this.skip(','));
    return fields;
  }

  private decimal(): ColumnType {
    if (!this.skip('(')) return { kind: 'decimal', precision: 10, scale: 0 };
    const precision = this.number();
    const scale = this.skip(',') ? this.number() : 0;
    this.expect(')');
    if (precision < 1 || precision > MAX_DECIMAL_PRECISION || scale > precision) {
      throw this.error(`has an impossible decimal(${precision},${scale})`);
    }
    return { kind: 'decimal', precision, scale };
  }

  private inBrackets(read: () => ColumnType): ColumnType {
    this.expect('<');
    const type = read();
    this.expect('>');
    return type;
  }

  private fieldName(): string {
    this.space();
    if (this.text[this.at] !== '`') {
      const end = this.text.indexOf(':', this.at);
      if (end < 0) throw this.error('has a struct field without a type');
      const name = this.text.slice(this.at, end).trim();
      this.at = end;
      return name;
    }
    const match = /^`((?:[^`]|``)*)`/.exec(this.text.slice(this.at));
    if (match === null) throw this.error('has an unclosed backtick');
    this.at += match[0].length;
    return (match[1] ?? '').replaceAll('``', '`');
  }

  private word(): string {
    this.space();
    const match = /^[a-z_][a-z0-9_]*( precision| with(out)?( local)? time zone)?/i.exec(this.text.slice(this.at));
    if (match === null) throw this.error('lacks a type');
    this.at += match[0].length;
    return match[0].toLowerCase();
  }

  private number(): number {
    this.space();
    const match = /^\d{1,5}/.exec(this.text.slice(this.at));
    if (match === null) throw this.error('lacks a number');
    this.at += match[0].length;
    return Number(match[0]);
  }

  private skip(sign: string): boolean {
    this.space();
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private expect(sign: string): void {
    if (!this.skip(sign)) throw this.error(`lacks «${sign}» at character ${this.at + 1}`);
  }

  private space(): void {
    while (this.text[this.at] === ' ') this.at += 1;
  }

  private error(what: string): TenonError {
    return new TenonError('BAD_INPUT', `The type «${this.text.slice(0, 200)}» ${what}.`, { type: this.text.slice(0, 200) });
  }
}

import { RE2JS } from 're2js';
import { simple, type ColumnType } from '../model/types.ts';
import { badOptions } from './classifier-kind.ts';
import { GROK_PATTERNS } from './grok-patterns.ts';

/** What a grok pattern finds in a line. */
export interface Grok {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** The values by column, undefined where a column is in a branch that was not taken; undefined: the line does not match. */
  match(line: string): readonly (string | undefined)[] | undefined;
  matches(line: string): boolean;
  /** What a line may cost: its length times this many steps, whatever is in it. */
  readonly size: number;
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  byte: simple('tinyint'),
  boolean: simple('boolean'),
  double: simple('double'),
  short: simple('smallint'),
  int: simple('int'),
  long: simple('bigint'),
  float: simple('float'),
  string: simple('string'),
};

const REFERENCE = /%\{(\w+)(?::([^:{}]+))?(?::(\w+))?\}/g;
const MAX_DEPTH = 20;
/** Of a pattern with all that it refers to, in characters. */
const MAX_LENGTH = 32_768;
const MAX_COLUMNS = 500;
/** Of the compiled program, in instructions: a line takes time by its length times this. */
const MAX_INSTRUCTIONS = 10_000;

/**
 * Reads `%{NAME}`, `%{NAME:column}` and `%{NAME:column:type}` between parts of a regular expression, as RE2 has them. Its time
 * is linear in the length of a line, whatever the pattern and the line. Throws BAD_INPUT that says what is wrong.
 */
export function compileGrok(pattern: string, custom: Readonly<Record<string, string>>): Grok {
  const columns = new Map<string, { readonly type: ColumnType; readonly groups: string[] }>();
  const text = new Expansion(custom, columns).expand(pattern, 0);
  const compiled = compile(text);
  const all = [...columns];
  if (all.length === 0) throw badOptions(['pattern: it names no column; write %{WORD:name}']);
  return {
    columns: all.map(([name, { type }]) => ({ name, type })),
    size: compiled.programSize(),
    matches: (line) => compiled.matcher(line).find(),
    match(line) {
      const matcher = compiled.matcher(line);
      if (!matcher.find()) return undefined;
      return all.map(([, { groups }]) =>
        groups.map((group) => matcher.group(group) ?? undefined).find((value) => value !== undefined),
      );
    },
  };
}

class Expansion {
  private readonly custom: Readonly<Record<string, string>>;
  private readonly columns: Map<string, { readonly type: ColumnType; readonly groups: string[] }>;
  private groups = 0;
  private length = 0;

  constructor(
    custom: Readonly<Record<string, string>>,
    columns: Map<string, { readonly type: ColumnType; readonly groups: string[] }>,
  ) {
    this.custom = custom;
    this.columns = columns;
  }

  expand(pattern: string, depth: number): string {
    if (depth > MAX_DEPTH) throw badOptions(['pattern: its patterns refer to one another without an end']);
    this.length += pattern.length;
    if (this.length > MAX_LENGTH)
      throw badOptions([`pattern: with all that it refers to it is longer than ${MAX_LENGTH} characters`]);
    return pattern.replace(REFERENCE, (_, name: string, column?: string, type?: string) => {
      const known = this.custom[name] ?? (Object.hasOwn(GROK_PATTERNS, name) ? GROK_PATTERNS[name] : undefined);
      if (known === undefined) throw badOptions([`pattern: there is no pattern ${name.slice(0, 100)}`]);
      const inner = this.expand(known, depth + 1);
      return column === undefined ? `(?:${inner})` : `(?P<${this.group(column.trim(), type)}>${inner})`;
    });
  }

  private group(column: string, typeName = 'string'): string {
    const type = TYPES[typeName];
    if (type === undefined) {
      throw badOptions([
        `pattern: «${column.slice(0, 100)}» has the type ${typeName.slice(0, 50)}; there are ${Object.keys(TYPES).join(', ')}`,
      ]);
    }
    const known = this.columns.get(column) ?? { type, groups: [] };
    if (known.type.kind !== type.kind) throw badOptions([`pattern: «${column.slice(0, 100)}» has two types`]);
    this.columns.set(column, known);
    if (this.columns.size > MAX_COLUMNS) throw badOptions([`pattern: it names more than ${MAX_COLUMNS} columns`]);
    const group = `g${this.groups}`;
    this.groups += 1;
    known.groups.push(group);
    return group;
  }
}

function compile(text: string): RE2JS {
  try {
    const compiled = RE2JS.compile(text);
    if (compiled.programSize() > MAX_INSTRUCTIONS) throw badOptions(['pattern: it is too large']);
    return compiled;
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('RE2JS'))
      throw badOptions([
        `pattern: ${error.message.slice(0, 300)} (patterns that look ahead or behind, or refer back, are not supported)`,
      ]);
    throw error;
  }
}

/** Patterns of one's own, one a line: its name, then what it is. */
export function parseCustomPatterns(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const match = /^\s*(\w+)\s+(.+)$/.exec(line);
    if (match === null) throw badOptions([`customPatterns: line ${i + 1} is no name with a pattern behind it`]);
    found[match[1] ?? ''] = match[2] ?? '';
  }
  return found;
}

import type { DynamodbValue } from '../src/connections/dynamodb.ts';

/** A key cut at its delimiters. Between two tokens stands one delimiter, so there is one less of them. */
export interface KeyPattern {
  readonly tokens: readonly KeyToken[];
  readonly delimiters: readonly string[];
}

export interface KeyToken {
  /** As a template shows it: `USER`, `{date}`, `ORDER-{id}`. */
  readonly template: string;
  /** Its letters may be a word of the design or somebody's name: only many keys together can tell. */
  readonly isWord: boolean;
}

export const ANY_ID: KeyToken = { template: '{id}', isWord: false };

const MAX_TOKENS = 16;
const MAX_WORD_CHARS = 40;
const DELIMITER = /[#|/:~]/;

/** What is told apart by its form, at the beginning of a token and up to a delimiter or the end. */
const FORMS: readonly (readonly [string, RegExp])[] = [
  ['{time}', /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?(?=[#|/:~]|$)/],
  [
    '{date}',
    /^(?:19|20)\d{2}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?|\/(?:0[1-9]|1[0-2])\/(?:0[1-9]|[12]\d|3[01]))(?=[#|/:~]|$)/,
  ],
  ['{date}', /^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?=[#|/:~]|$)/],
  ['{email}', /^[^#|/:~\s@]{1,64}@[^#|/:~\s@]{1,255}\.[A-Za-z]{2,24}(?=[#|/:~]|$)/],
  ['{version}', /^[vV]\d{1,6}(?=[#|/:~]|$)/],
];

/**
 * The pattern of one key: `USER#123#2026-11-25` is `USER`, `{id}`, `{date}`. What has digits is an id, unless it is a word
 * with an id behind it (`ORDER-17`, `user_9f3`); what has none is a word for now.
 */
export function keyPattern(value: DynamodbValue): KeyPattern {
  if (value.S === undefined)
    return { tokens: [{ template: value.N === undefined ? '{binary}' : '{number}', isWord: false }], delimiters: [] };
  const tokens: KeyToken[] = [];
  const delimiters: string[] = [];
  let rest = value.S;
  while (tokens.length < MAX_TOKENS) {
    const { token, length } = nextToken(rest);
    tokens.push(token);
    rest = rest.slice(length);
    if (rest === '') break;
    delimiters.push(rest[0] ?? '');
    rest = rest.slice(1);
  }
  if (delimiters.length === tokens.length) tokens.push(ANY_ID);
  return { tokens, delimiters };
}

export function templateOf({ tokens, delimiters }: KeyPattern): string {
  return tokens.map(({ template }, i) => template + (delimiters[i] ?? '')).join('');
}

function nextToken(text: string): { token: KeyToken; length: number } {
  for (const [template, form] of FORMS) {
    const found = form.exec(text);
    if (found !== null) return { token: { template, isWord: false }, length: found[0].length };
  }
  const end = text.search(DELIMITER);
  const token = end < 0 ? text : text.slice(0, end);
  return { token: tokenOf(token), length: token.length };
}

function tokenOf(text: string): KeyToken {
  if (text === '') return { template: '', isWord: false };
  // What no catalog could keep, or would read as a variable, is data.
  if (text.length > MAX_WORD_CHARS || /[\p{C}{}]/u.test(text)) return ANY_ID;
  if (!/\d/.test(text)) return { template: text, isWord: true };
  const [, word, rest] = /^([$@]?[A-Za-z]{2,}[_-])(.*\d.*)$/.exec(text) ?? /^([$@]?[A-Za-z]{2,})(\d+)$/.exec(text) ?? [];
  if (word === undefined || rest === undefined || /^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(text)) return ANY_ID;
  const form = FORMS.find(([, pattern]) => pattern.test(rest));
  return { template: `${word}${form?.[0] ?? '{id}'}`, isWord: true };
}

/** Whether each key that `special` stands for also fits `general`: it has variables in the places where the two differ. */
export function isCovered(special: string, general: string): boolean {
  const [a, b] = [special.split(/([#|/:~])/), general.split(/([#|/:~])/)];
  return a.length === b.length && a.every((part, i) => part === b[i] || (i % 2 === 0 && part !== '' && isVariable(b[i] ?? '')));
}

export function isVariable(template: string): boolean {
  return /^\{\w+\}$/.test(template);
}

/**
 * What stands for both; undefined where nothing does but an id. `ORDER-{id}` also stands for `ORDER-abc`, whose letters only
 * happened to be no digits.
 */
export function joinTemplates(general: string, special: string): string | undefined {
  if (general === special) return general;
  const [, prefix = '', variable] = /^(.*?)(\{\w+\})$/.exec(general) ?? [];
  if (variable === undefined || !special.startsWith(prefix)) return undefined;
  const rest = special.slice(prefix.length);
  if (!isVariable(rest)) return prefix === '' ? undefined : general;
  const areTimes = [variable, rest].every((one) => one === '{date}' || one === '{time}');
  return prefix + (variable === rest ? variable : areTimes ? '{time}' : '{id}');
}

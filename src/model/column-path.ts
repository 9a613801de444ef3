import { TenonError } from './errors.ts';

/**
 * One step into a type: a column or struct field, an array's element, a map's key or value. `nth` tells apart columns of
 * the very same name: 0 for the first of them.
 */
export type PathStep = { readonly name: string; readonly nth: number } | 'element' | 'key' | 'value';

const SIGNS = { element: '[]', key: '{key}', value: '{value}' } as const;

/**
 * `address.street`, `items[].price`, `labels{value}`. A name that is not plain is quoted: `"a.b"."say ""hi"""`; the second
 * column of the same name is `name#2`. Equal texts are equal paths.
 */
export function formatPath(steps: readonly PathStep[]): string {
  let text = '';
  for (const step of steps) {
    if (typeof step === 'string') text += SIGNS[step];
    else text += (text === '' ? '' : '.') + formatName(step.name) + (step.nth === 0 ? '' : `#${step.nth + 1}`);
  }
  return text;
}

/** Reads what `formatPath` writes. */
export function parsePath(text: string): PathStep[] {
  const steps: PathStep[] = [];
  const token = /(?:\.|^)(?:"((?:[^"]|"")*)"|([\p{L}_][\p{L}\p{N}_]*))(?:#(\d{1,6}))?|(\[\]|\{key\}|\{value\})/uy;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (match === null) throw new TenonError('BAD_INPUT', `«${text.slice(0, 200)}» is not a path to a column.`);
    steps.push(stepOf(match));
  }
  return steps;
}

function stepOf(match: RegExpExecArray): PathStep {
  const [, quoted, plain, nth, sign] = match;
  if (sign === '[]') return 'element';
  if (sign !== undefined) return sign === '{key}' ? 'key' : 'value';
  return { name: quoted?.replaceAll('""', '"') ?? plain ?? '', nth: nth === undefined ? 0 : Number(nth) - 1 };
}

function formatName(name: string): string {
  return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

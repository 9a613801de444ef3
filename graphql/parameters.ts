import { TenonError } from '../src/model/errors.ts';

/** An object out of a JSON argument. Throws BAD_INPUT for anything else. */
export function readObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TenonError('BAD_INPUT', `«${what}» must be an object.`, { argument: what });
}

/** An object of texts. Null and undefined are none. */
export function readTexts(value: unknown, what: string): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  const entries = Object.entries(readObject(value, what));
  const wrong = entries.find(([, each]) => typeof each !== 'string');
  if (wrong !== undefined)
    throw new TenonError('BAD_INPUT', `In «${what}» the value of «${wrong[0].slice(0, 100)}» must be a text.`, {
      argument: what,
    });
  return Object.fromEntries(entries) as Record<string, string>;
}

export function readParameters(value: unknown): Record<string, string> | undefined {
  return readTexts(value, 'parameters');
}

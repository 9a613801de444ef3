import { foldName } from '../model/names.ts';
import { parsePartitionLevel } from '../model/partition-key.ts';

/** What a folder's name says about the rows below it. */
export interface Level {
  readonly key: string;
  readonly value: string | null;
}

/**
 * A folder as a level of partitions, or undefined when it is an ordinary one. `key=value` gives its key in lower case, as
 * the other names of the catalog; dates give `year`, below it `month`, `day` and `hour`, and a whole date in one name gives
 * `date`. Numbers are dates only where a date may stand: `12` is a month below `2024`, and nothing elsewhere. A key that
 * stands on the way already is not repeated.
 */
export function levelOf(name: string, above: readonly Level[]): Level | undefined {
  const level = hiveLevel(name) ?? dateLevel(name, above.at(-1)?.key);
  return level !== undefined && above.some(({ key }) => key === level.key) ? undefined : level;
}

function hiveLevel(name: string): Level | undefined {
  const parsed = parsePartitionLevel(name);
  return parsed === undefined || parsed.name === '' ? undefined : { key: foldName(parsed.name), value: parsed.value };
}

const BELOW: Readonly<Record<string, { readonly key: string; readonly pattern: RegExp }>> = {
  year: { key: 'month', pattern: /^(0[1-9]|1[0-2])$/ },
  month: { key: 'day', pattern: /^(0[1-9]|[12]\d|3[01])$/ },
  day: { key: 'hour', pattern: /^([01]\d|2[0-3])$/ },
  date: { key: 'hour', pattern: /^([01]\d|2[0-3])$/ },
};

function dateLevel(name: string, keyAbove: string | undefined): Level | undefined {
  const next = BELOW[keyAbove ?? ''];
  if (next?.pattern.test(name) === true) return { key: next.key, value: name };
  if (/^(19|20)\d\d$/.test(name)) return { key: 'year', value: name };
  const match = /^((?:19|20)\d\d)(-?)(\d\d)\2(\d\d)$/.exec(name);
  if (match === null) return undefined;
  const [, year, , month, day] = match;
  const at = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.getUTCDate() === Number(day) ? { key: 'date', value: name } : undefined;
}

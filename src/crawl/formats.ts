import { isDeepStrictEqual } from 'node:util';
import type { Column, Format } from '../model/schema.ts';
import { unionSeen } from './blank.ts';
import type { Classification, Reading } from './classifier.ts';

/** Several files read in one way. */
export interface Common {
  readonly format: Format;
  readonly columns: readonly Column[];
  /** In the order of the files; undefined for one that cannot be read in this way. */
  readonly readings: readonly (Reading | undefined)[];
}

/**
 * The one format under which most of these files read, with the union of their columns. A reader gets one format for all
 * files of a partition, so the options of the files are joined where they can be: one file shows the header, another how
 * null is spelled.
 */
export function commonFormat(files: readonly Classification[]): Common | undefined {
  const format = joinFormats(mostFrequent(files));
  if (format === undefined) return undefined;
  const names = headerNames(files);
  const readings = files.map((file) => {
    const reading = readingAs(file, format);
    // A row of texts can be taken for a header. It is one only if another file has the same names.
    const guessed = reading !== undefined && format.options?.['header'] === true && file.format.options?.['header'] === false;
    return guessed && !reading.columns.every((column) => names.has(column.name)) ? undefined : reading;
  });
  return {
    format,
    readings,
    columns: unionSeen(readings.flatMap((reading) => (reading === undefined ? [] : [reading.columns]))),
  };
}

function readingAs(file: Classification, format: Format): Reading | undefined {
  if (isDeepStrictEqual(file.format, format)) return file;
  const other = file.alternatives?.find((one) => isDeepStrictEqual(one.format, format));
  return other === undefined ? file.as?.(format) : other.reading;
}

/** The files of the most frequent kind: of one format, compression and delimiter. */
function mostFrequent(files: readonly Classification[]): Classification[] {
  const kinds = new Map<string, Classification[]>();
  for (const file of files) {
    const { name, compression, options } = file.format;
    // A table of one column shows no delimiter.
    const delimiter =
      file.columns.length === 1 && name === 'csv'
        ? (files.find((other) => other.columns.length > 1)?.format ?? file.format).options?.['delimiter']
        : options?.['delimiter'];
    const kind = JSON.stringify([name, compression, delimiter, options?.['layout'] === 'array', options?.['skip']]);
    kinds.set(kind, [...(kinds.get(kind) ?? []), file]);
  }
  return [...kinds.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
}

function headerNames(files: readonly Classification[]): Set<string> {
  return new Set(
    files.flatMap((file) => (file.format.options?.['header'] === true ? file.columns.map((column) => column.name) : [])),
  );
}

function joinFormats(files: readonly Classification[]): Format | undefined {
  const formats = files.map((file) => file.format);
  const first = formats[0];
  if (first === undefined || formats.every((format) => isDeepStrictEqual(format, first))) return first;
  const has = (name: string, value: unknown): boolean => formats.some((format) => format.options?.[name] === value);
  const options = { ...first.options };
  if (first.name === 'json')
    return { ...first, options: { ...options, ...(has('layout', 'concatenated') && { layout: 'concatenated' }) } };
  if (first.name !== 'csv') return first;
  const nullText = formats.find((format) => format.options?.['null'] !== undefined)?.options?.['null'];
  const lineEnds = new Set(formats.map((format) => format.options?.['lineEnd']));
  const wide = files.find((file) => file.columns.length > 1)?.format.options?.['delimiter'];
  const unusual = formats.find((format) => format.options?.['escape'] !== '"' || format.options['quote'] !== '"')?.options;
  return {
    ...first,
    options: {
      ...options,
      ...(wide !== undefined && { delimiter: wide }),
      ...(unusual !== undefined && { quote: unusual['quote'] ?? '"', escape: unusual['escape'] ?? '"' }),
      header: has('header', true),
      ...(has('encoding', 'latin-1') && { encoding: 'latin-1' }),
      ...(has('encoding', 'windows-1252') && { encoding: 'windows-1252' }),
      ...(nullText !== undefined && { null: nullText }),
      ...(has('padding', true) && { padding: true }),
      ...(lineEnds.size > 1 && { lineEnd: 'mixed' }),
    },
  };
}

/** Whether two lists of columns are of one table: 70 % of the names of the longer one are in both, as Glue has it. */
export function areCompatible(a: readonly Column[], b: readonly Column[]): boolean {
  const names = new Set(a.map((column) => column.name.toLowerCase()));
  const shared = b.filter((column) => names.has(column.name.toLowerCase())).length;
  return shared >= 0.7 * Math.max(a.length, b.length);
}

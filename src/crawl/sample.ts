import { foldName } from '../model/names.ts';
import type { Column } from '../model/schema.ts';
import { formatType } from '../model/types.ts';
import { BLANK } from './blank.ts';
import type { Reading } from './classifier.ts';

/** What the types of some files rest on: how many values of each column were seen, by its folded name. */
export interface Sample {
  readonly files: number;
  readonly rows: number;
  readonly values: ReadonlyMap<string, number>;
}

/** A table in the report of a crawl. */
export interface SampledTable {
  readonly table: string;
  readonly files: number;
  readonly rows: number;
  /** Of the column that is least sure. */
  readonly confidence: number;
  readonly unsure: readonly {
    readonly column: string;
    readonly type: string;
    readonly values: number;
    readonly confidence: number;
  }[];
}

/** Undefined where the files declare their columns, or nothing was read. */
export function sampleOf(readings: readonly (Reading | undefined)[]): Sample | undefined {
  const values = new Map<string, number>();
  let files = 0;
  let rows = 0;
  for (const reading of readings) {
    if (reading?.sampled === undefined) continue;
    files += 1;
    rows += reading.sampled.rows;
    for (const [i, column] of reading.columns.entries()) add(values, foldName(column.name), reading.sampled.values[i] ?? 0);
  }
  return files === 0 ? undefined : { files, rows, values };
}

export function joinSamples(samples: readonly (Sample | undefined)[]): Sample | undefined {
  const values = new Map<string, number>();
  let files = 0;
  let rows = 0;
  for (const sample of samples) {
    if (sample === undefined) continue;
    files += sample.files;
    rows += sample.rows;
    for (const [name, count] of sample.values) add(values, name, count);
  }
  return files === 0 ? undefined : { files, rows, values };
}

function add(values: Map<string, number>, name: string, count: number): void {
  values.set(name, (values.get(name) ?? 0) + count);
}

/**
 * How sure it is that the next value is of the type that all `values` before it were, by Laplace's rule of succession: after
 * one value two thirds, after a thousand 99.9 %. A text takes any value; where no value was seen, nothing is sure.
 */
function confidenceOf(column: Column, values: number): number {
  if (column.sourceType === BLANK) return 0;
  return column.type.kind === 'string' ? 1 : (values + 1) / (values + 2);
}

const UNSURE_BELOW = 0.9;
const UNSURE_LISTED = 10;

export function sampledTable(table: string, columns: readonly Column[], sample: Sample): SampledTable {
  const all = columns.map((column) => {
    const values = sample.values.get(foldName(column.name)) ?? 0;
    return { column: column.name, type: formatType(column.type), values, confidence: rounded(confidenceOf(column, values)) };
  });
  return {
    table,
    files: sample.files,
    rows: sample.rows,
    confidence: all.reduce((least, { confidence }) => Math.min(least, confidence), 1),
    unsure: all
      .filter(({ confidence }) => confidence < UNSURE_BELOW)
      .toSorted((a, b) => a.confidence - b.confidence)
      .slice(0, UNSURE_LISTED),
  };
}

function rounded(confidence: number): number {
  return Math.floor(confidence * 1_000) / 1_000;
}

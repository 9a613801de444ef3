import type { Limits } from '../config.ts';
import type { ColumnFacts } from '../model/partition-stats.ts';
import type { Column, Format } from '../model/schema.ts';

/** Bytes whose shape is asked for. `path` is only a hint: what counts is the content. */
export interface ByteSource {
  readonly path: string;
  readonly size: number;
  /** Bytes `start` to `end`, `end` not included, fewer where the object ends. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** What a reading rests on, where it was inferred from values. */
interface Sampled {
  readonly rows: number;
  /** In the order of the columns: values that were seen of each, nulls left out. */
  readonly values: readonly number[];
}

export interface Reading {
  readonly columns: readonly Column[];
  /** Undefined where the file declares its columns. */
  readonly sampled?: Sampled;
  /** Only where it is known without reading more: a footer, or a file that fits the sample. */
  readonly rows?: bigint;
  /** What a footer says about its columns' values, where it is asked for (`columnStats`). */
  readonly facts?: readonly ColumnFacts[];
}

export interface Classification extends Reading {
  /** Its options say exactly how a reader has to read the bytes. */
  readonly format: Format;
  /** 0 to 1. The first classifier that is sure (1) wins, else the surest. */
  readonly confidence: number;
  /** What a reader should know and the columns cannot say, in sentences. */
  readonly notes?: readonly string[];
  /**
   * How the same bytes read under the format that their neighbours have, or undefined if they do not. A file of texts alone
   * shows no header, one of ASCII alone no encoding; its neighbours may.
   */
  as?(format: Format): Reading | undefined;
  /** The same, where the other formats are few and known beforehand. */
  readonly alternatives?: readonly { readonly format: Format; readonly reading: Reading }[];
}

/** One file in `classifiers/` for each format. */
export interface Classifier {
  readonly format: string;
  /** Names that only its files have: it is asked first then, and need not read a head that says nothing to it. */
  readonly named?: RegExp;
  /** Undefined: not this format. Throws DATA_UNREADABLE or UNSUPPORTED when it is, and yet cannot be read. */
  classify(source: ByteSource, limits: ClassifyLimits): Promise<Classification | undefined>;
}

export interface ClassifyLimits {
  /** How much of the head is looked at, in bytes after decompression. */
  readonly sampleBytes: number;
  /** How many records of it. */
  readonly sampleRecords: number;
  /** As far as the sample grows where one record does not fit into it. */
  readonly recordBytes: number;
  readonly columns: number;
  /** Of a header's cell, in characters. A longer one makes the first row a row of values. */
  readonly headerLength: number;
  readonly jsonDepth: number;
  readonly footerBytes: number;
  /** Whether footers are read for what they say about values too. */
  readonly columnStats: boolean;
  /** Times its size that a compressed head may unpack to. */
  readonly unpackRatio: number;
}

export const CLASSIFY_LIMITS: ClassifyLimits = {
  sampleBytes: 1024 * 1024,
  sampleRecords: 1000,
  recordBytes: 10 * 1024 * 1024,
  columns: 10_000,
  headerLength: 150,
  jsonDepth: 64,
  footerBytes: 64 * 1024 * 1024,
  columnStats: false,
  unpackRatio: 500,
};

/** No file has as many rows; one that says so is broken, and a sum of such would be more than the catalog can hold. */
export const MAX_ROWS = 2 ** 50;

/** With what the configuration says. */
export function classifyLimits({ sampleBytes, columns, footerBytes }: Limits): ClassifyLimits {
  return { ...CLASSIFY_LIMITS, sampleBytes, columns, footerBytes };
}

import { TenonError } from '../model/errors.ts';
import { mergeStats, type PartitionStats } from '../model/partition-stats.ts';
import type { Column, Format } from '../model/schema.ts';
import type { Classification, ClassifyLimits, Reading } from './classifier.ts';
import type { ClassifierSpec } from './classifier-kind.ts';
import type { ObjectFinding } from './crawler.ts';
import { commonFormat } from './formats.ts';
import type { Gate } from './gate.ts';
import type { Layout } from './layout.ts';
import { sampleOf, type Sample } from './sample.ts';
import type { Parsers } from './parsers.ts';

/** What the samples of one or more layouts say about all of their files. */
export interface Understood {
  readonly format: Format;
  readonly columns: readonly Column[];
  /** Of all files; undefined unless each of them was read and told. */
  readonly rows?: bigint;
  /** The same. */
  readonly stats?: PartitionStats;
  readonly layouts: readonly Layout[];
  /** What the columns rest on, where they were inferred. */
  readonly sample: Sample | undefined;
  readonly notes: readonly string[];
}

/** A sample that is of a known format, and yet cannot be read, or not like its neighbours. */
export interface Bad {
  readonly path: string;
  readonly error: TenonError;
}

/** One layout with what its samples turned out to be. No classifications and nothing bad: no classifier knows it. */
export interface ReadLayout {
  readonly layout: Layout;
  readonly files: readonly { readonly path: string; readonly classification: Classification }[];
  readonly bad: readonly Bad[];
  /** It is known, but does not go together with what else is here: somebody else takes it. */
  readonly apart?: boolean;
}

export interface ReadingRules {
  readonly limits: ClassifyLimits;
  /** Asked before the built-in classifiers. */
  readonly custom: readonly ClassifierSpec[];
  readonly gate: Gate;
  readonly parsers: Parsers;
  readonly signal: AbortSignal;
}

export async function readLayout(layout: Layout, rules: ReadingRules): Promise<ReadLayout> {
  const results = await Promise.all(layout.samples.map((object) => readSample(object, rules)));
  return {
    layout,
    files: results.flatMap(({ path, found }) =>
      found === undefined || found instanceof TenonError ? [] : [{ path, classification: found }],
    ),
    bad: results.flatMap(({ path, found }) => (found instanceof TenonError ? [{ path, error: found }] : [])),
  };
}

/** Whatever keeps a file from being read makes that file unknown, and no more than it. Only a stop is thrown. */
async function readSample(
  object: ObjectFinding,
  { limits, custom, gate, parsers, signal }: ReadingRules,
): Promise<{ path: string; found: Classification | TenonError | undefined }> {
  const { path } = object;
  try {
    const bytes = Math.min(object.size, limits.sampleBytes);
    return { path, found: await gate(() => parsers.classify(object, limits, custom), bytes) };
  } catch (error) {
    signal.throwIfAborted();
    const known =
      error instanceof TenonError
        ? error
        : new TenonError('DATA_UNREADABLE', `${path} cannot be read.`, { path }, { cause: error });
    return { path, found: known };
  }
}

/** Layouts that lie together as one thing, in the format of most; what does not read so is bad. Undefined without any format. */
export function understand(read: readonly ReadLayout[]): { understood: Understood | undefined; bad: Bad[] } {
  const files = read.flatMap((one) => one.files);
  const bad = read.flatMap((one) => one.bad);
  const common = commonFormat(files.map((file) => file.classification));
  if (common === undefined) return { understood: undefined, bad };
  for (const [i, { path }] of files.entries()) {
    if (common.readings[i] === undefined) bad.push({ path, error: misfit(path) });
  }
  const layouts = read.filter((one) => one.files.length > 0).map((one) => one.layout);
  const rows = countRows(
    common.readings.map((reading) => reading?.rows),
    layouts,
  );
  const stats = tellStats(common.readings, layouts);
  const sample = sampleOf(common.readings);
  const notes = files.flatMap(({ classification }) => classification.notes ?? []);
  return {
    understood: {
      format: common.format,
      columns: common.columns,
      ...(rows !== undefined && { rows }),
      ...(stats !== undefined && { stats }),
      layouts,
      sample,
      notes,
    },
    bad,
  };
}

function countRows(rows: readonly (bigint | undefined)[], layouts: readonly Layout[]): bigint | undefined {
  if (rows.length !== countFiles(layouts)) return undefined;
  return rows.reduce<bigint | undefined>((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0n);
}

function tellStats(readings: readonly (Reading | undefined)[], layouts: readonly Layout[]): PartitionStats | undefined {
  const facts = readings.flatMap((reading) => (reading?.facts === undefined ? [] : [reading.facts]));
  return facts.length === countFiles(layouts) ? mergeStats(facts) : undefined;
}

function countFiles(layouts: readonly Layout[]): number {
  return layouts.reduce((sum, layout) => sum + layout.files.count, 0);
}

function misfit(path: string): TenonError {
  return new TenonError(
    'DATA_UNREADABLE',
    `${path} has another format than the files beside it, so no reader can read them together.`,
    { path },
  );
}

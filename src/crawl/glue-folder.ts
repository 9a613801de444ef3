import { foldName } from '../model/names.ts';
import type { PartitionStats } from '../model/partition-stats.ts';
import { schemaHash, type Column, type Format } from '../model/schema.ts';
import type { PackedManifest, Partition } from '../model/table.ts';
import type { Sample } from './sample.ts';
import type { ReadUnit } from './unit.ts';

/** What many folders have in common. */
export interface Likeness {
  readonly columns: readonly Column[];
  readonly format: Format | undefined;
  /** Format and compression, as text. */
  readonly kind: string;
}

/**
 * A folder that was read, in few bytes: there may be a hundred thousand of them before it is clear what they belong to. Its
 * files are kept by the catalog; texts and numbers take the place of objects.
 */
export interface FoldedUnit {
  readonly kind: 'folded';
  readonly format: Format;
  readonly partition: Partition | undefined;
  readonly hash: string;
  /** Empty once the catalog keeps it. */
  packed: Uint8Array;
  readonly files: number;
  readonly bytes: number | bigint;
  readonly rows: number | bigint | undefined;
  readonly stats: string | undefined;
  readonly sample: string | undefined;
}

/** One for equal ones. */
export class Likenesses {
  private readonly known = new Map<string, Likeness>();

  of(columns: readonly Column[], format: Format | undefined): Likeness {
    const key = schemaHash({ columns, partitionKeys: [] }) + JSON.stringify(format);
    const found = this.known.get(key);
    if (found !== undefined) return found;
    const kind = JSON.stringify([format?.name, format?.compression]);
    const made = { columns, format, kind };
    this.known.set(key, made);
    return made;
  }
}

export function fold(
  { partition, manifest, rows, stats, sample }: ReadUnit,
  format: Format,
  columns: readonly Column[],
): FoldedUnit {
  const { hash, packed, files, bytes } = manifest;
  return {
    kind: 'folded',
    format,
    partition,
    hash: flat(hash),
    packed,
    files,
    bytes: plain(bytes),
    rows: rows === undefined ? undefined : plain(rows),
    stats: stats === undefined ? undefined : JSON.stringify(stats),
    sample: sample === undefined ? undefined : packSample(sample, columns),
  };
}

export function unfold(unit: FoldedUnit, columns: readonly Column[]): ReadUnit {
  const { format, partition, rows, stats, sample } = unit;
  return {
    kind: 'read',
    partition,
    format,
    columns,
    rows: rows === undefined ? undefined : BigInt(rows),
    stats: stats === undefined ? undefined : (JSON.parse(stats) as PartitionStats),
    sample: sample === undefined ? undefined : unpackSample(sample, columns),
    manifest: manifestOf(unit),
    layouts: undefined,
  };
}

export function manifestOf({ hash, packed, files, bytes }: FoldedUnit): PackedManifest {
  return { hash, packed, files, bytes: BigInt(bytes) };
}

/** An ASCII text by itself: a part of a longer one holds all of it. */
function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** A number takes a third of the room. */
function plain(value: bigint): number | bigint {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

const MOST = 0xffff;

/** A character for each number: the files, the rows, and the values of each column, which are many enough at 65,535. */
function packSample({ files, rows, values }: Sample, columns: readonly Column[]): string {
  const counts = [files, rows, ...columns.map(({ name }) => values.get(foldName(name)) ?? 0)];
  return counts.map((count) => String.fromCharCode(Math.min(count, MOST))).join('');
}

function unpackSample(text: string, columns: readonly Column[]): Sample {
  const values = new Map(columns.map(({ name }, i) => [foldName(name), text.charCodeAt(2 + i)]));
  return { files: text.charCodeAt(0), rows: text.charCodeAt(1), values };
}

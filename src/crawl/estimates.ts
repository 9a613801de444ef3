import { estimateManifest, type Estimate } from '../catalog/estimates.ts';
import type { PartitionDraft } from '../model/table.ts';
import type { TableFinding } from './crawler.ts';

/** Servers guess: InnoDB is wrong by up to a half without any write, Postgres by some percent. */
const FACTOR = 2;
/** Below these, even a factor says nothing. */
const LEAST_ROWS = 100;
const LEAST_BYTES = 131_072;

/**
 * Estimates move with every write, and a crawl that finds nothing new writes nothing. So they are recorded when the table is
 * recorded anyhow, and else only when they are off by a factor. `docs/decisions` says why. Empty: nothing to record.
 */
export function estimatePartition(finding: TableFinding, before: Estimate | undefined, isChanged: boolean): PartitionDraft[] {
  const rows = finding.rows === undefined ? before?.rows : BigInt(Math.round(finding.rows));
  const bytes = finding.bytes === undefined ? (before?.bytes ?? 0n) : BigInt(Math.round(finding.bytes));
  if (rows === undefined && bytes === 0n) return [];
  if (
    before !== undefined &&
    !isChanged &&
    !hasMoved(before.rows, rows, LEAST_ROWS) &&
    !hasMoved(before.bytes, bytes, LEAST_BYTES)
  )
    return [];
  if (before?.rows === rows && before?.bytes === bytes) return [];
  return [{ values: [], location: finding.location, ...(rows !== undefined && { rows }), manifest: estimateManifest(bytes) }];
}

function hasMoved(from: bigint | undefined, to: bigint | undefined, least: number): boolean {
  if (from === undefined || to === undefined) return to !== undefined;
  const [low, high] = [Number(from), Number(to)].sort((a, b) => a - b);
  return (high ?? 0) - (low ?? 0) >= least && (high ?? 0) >= (low ?? 0) * FACTOR;
}

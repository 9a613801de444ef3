import { asTenonError, TenonError } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import type { ObjectFinding } from './crawler.ts';
import { deltaSnapshot, deltaVersion } from './delta.ts';
import type { ReadCheckpoint } from './delta-checkpoint.ts';
import type { Closed } from './grouping.ts';
import { icebergSnapshot, icebergVersion } from './iceberg.ts';
import type { Known } from './known.ts';
import { unreadable } from './lake-read.ts';
import { lakeFormatOf } from './lake-parts.ts';
import type { LakeFormat, LakeLimits, LakeRoot, LakeSnapshot } from './lake-root.ts';
import { LakeRoots, type Peek } from './lake-roots.ts';
import { lakeSave, recordedPartitions, recordedVersion } from './lake-table.ts';
import type { TablePolicy } from './policy.ts';
import type { Gate } from './gate.ts';
import type { Report } from './report.ts';
import type { Save } from './save.ts';
import { pathBelow } from './scope-paths.ts';

/** A Delta or Iceberg table that a crawl has met. */
export interface FoundLakeTable {
  readonly before: Table | undefined;
  /** Undefined: nothing of it has changed, or it is unknown. */
  readonly save: Save | undefined;
  /** What the crawler's policies keep from being recorded, in sentences. */
  readonly told: readonly string[];
  readonly first: number;
  readonly partitionCount: number;
}

export interface LakeContext {
  readonly known: Known;
  readonly report: Report;
  readonly limits: LakeLimits;
  readonly gate: Gate;
  readonly signal: AbortSignal;
  readonly peek: Peek;
  readonly readCheckpoint: ReadCheckpoint;
  readonly database: string;
  readonly connection: string | undefined;
  /** The address of a folder below the scope. */
  readonly addressOf: (path: string) => string;
  readonly policy: TablePolicy;
  /** What a table of a folder is called. */
  readonly nameOf: (path: string) => string;
}

/** So many are looked at while the listing goes on. */
const AT_ONCE = 16;

/** The tables of a crawl that say themselves what they are made of. Looks at each as soon as its folder was listed whole. */
export class LakeTables {
  private readonly context: LakeContext;
  private readonly roots: LakeRoots;
  /** Left, and not yet looked at: grouping may still tell of files in them. */
  private left: LakeRoot[] = [];
  private readonly before = new Map<string, Table>();
  private looking: Promise<FoundLakeTable | undefined>[] = [];
  /** First objects of tables that a stop kept from being looked at: who goes on sees them again. */
  private readonly unfinished: number[] = [];

  /** `base`: the address of the scope's root. */
  constructor(context: LakeContext, base: string) {
    this.context = context;
    const paths = new Set<string>();
    for (const table of context.known.tables.values()) {
      if (table.location === undefined) continue;
      // Of several at one place, the one that was such a table already.
      if (lakeFormatOf(table) || !this.before.has(table.location)) this.before.set(table.location, table);
      const path = pathBelow(base, table.location);
      if (lakeFormatOf(table) && path !== undefined) paths.add(path);
    }
    this.roots = new LakeRoots(paths, context.peek, (path, error) => {
      context.signal.throwIfAborted();
      context.report.unknown(path, error);
    });
  }

  /** Whether `meet` has to be called. */
  mayChange(path: string): boolean {
    return this.roots.mayChange(path);
  }

  /** Notes that the listing has come to a path. `number`: of the object there. Undefined: nothing has to be waited for. */
  meet(path: string, number: number): Promise<void> | undefined {
    this.lookAtLeft();
    const left = this.roots.meet(path, number);
    return left === undefined && this.looking.length < AT_ONCE ? undefined : this.leave(left);
  }

  private async leave(leaving: Promise<LakeRoot | undefined> | LakeRoot | undefined): Promise<void> {
    const left = await leaving;
    if (left !== undefined) this.left.push(left);
    if (this.looking.length >= AT_ONCE) await Promise.all(this.looking);
  }

  /** Takes an object that belongs to such a table. */
  take(object: ObjectFinding): boolean {
    return this.roots.take(object);
  }

  /** Takes what grouping has closed if it belongs to such a table, which showed itself only later. */
  adopt(closed: Closed): boolean {
    const folder = closed.kind === 'folder' ? closed.path : closed.root;
    if (!this.roots.has(folder)) return false;
    if (this.roots.openPath !== undefined && folder.startsWith(this.roots.openPath)) this.roots.adopt(closed.layouts);
    const left = this.left.find(({ path }) => folder.startsWith(path));
    for (const { files } of closed.layouts) for (const file of files.all()) left?.data.add(file.address, file);
    return true;
  }

  firstOpen(): number | undefined {
    const open = [this.roots.firstOpen(), ...this.unfinished].filter((number) => number !== undefined);
    return open.length === 0 ? undefined : Math.min(...open);
  }

  finish(): void {
    const left = this.roots.finish();
    if (left !== undefined) this.left.push(left);
  }

  /** All that were met and are whole. */
  async settle(): Promise<FoundLakeTable[]> {
    this.lookAtLeft();
    const looking = this.looking;
    this.looking = [];
    return (await Promise.all(looking)).filter((found) => found !== undefined);
  }

  private lookAtLeft(): void {
    for (const root of this.left) this.looking.push(this.lookAt(root));
    this.left = [];
  }

  private async lookAt(root: LakeRoot): Promise<FoundLakeTable | undefined> {
    if (root.metadata.size === 0 && root.data.count === 0) return undefined;
    const { known, report, signal, limits, gate, database, connection, policy, addressOf, nameOf, readCheckpoint } = this.context;
    const location = addressOf(root.path);
    const before = this.before.get(location);
    const found = { before, first: root.first, told: [] };
    try {
      const { format, state } = stateOf(root);
      if (before !== undefined && recordedVersion(before, format) === state)
        return { ...found, save: undefined, partitionCount: recordedPartitions(before, format) };
      const read = (): Promise<LakeSnapshot> =>
        format === 'delta' ? deltaSnapshot(root, limits, readCheckpoint) : icebergSnapshot(root, limits);
      const snapshot = await gate(read, limits.metadataBytes);
      checkColumns(root, snapshot.columns.length, limits);
      const place = { database, connection, location, policy, name: nameOf(root.path) };
      const save = await lakeSave(root, snapshot, state, before, place, known);
      return {
        ...found,
        save,
        told: save.told,
        partitionCount: save.draft?.schema.partitionKeys.length === 0 ? 0 : partitionsOf(save, format),
      };
    } catch (error) {
      if (signal.aborted) {
        this.unfinished.push(root.first);
        return undefined;
      }
      report.unknown(root.path, asTenonError(error));
      return before && { ...found, save: undefined, partitionCount: recordedPartitions(before, lakeFormatOf(before) ?? 'delta') };
    }
  }
}

function checkColumns({ path }: LakeRoot, columns: number, limits: LakeLimits): void {
  if (columns <= limits.columns) return;
  throw new TenonError('LIMIT', `${path} has ${columns} columns; ${limits.columns} are the limit (columns).`, {
    path,
    limit: 'columns',
  });
}

function partitionsOf({ draft }: Save, format: LakeFormat): number {
  const facts = draft?.details?.source?.[format] as { partitions?: number } | undefined;
  return facts?.partitions ?? 0;
}

/** A Delta table may have Iceberg metadata beside its log, for readers of those. */
function stateOf(root: LakeRoot): { format: LakeFormat; state: string } {
  const delta = deltaVersion(root);
  if (delta !== undefined) return { format: 'delta', state: delta };
  const iceberg = icebergVersion(root);
  if (iceberg !== undefined) return { format: 'iceberg', state: iceberg };
  throw unreadable(
    root.path,
    'has no metadata that say what is in it; if it is no Delta or Iceberg table any more, drop it from the catalog',
  );
}

import { createHash } from 'node:crypto';
import { and, desc, eq, isNotNull, sql } from 'drizzle-orm';
import { findManifest, keepManifests, packManifest } from '../catalog/manifests.ts';
import type { Db } from '../db/db.ts';
import { programVersion } from '../db/migrations.ts';
import { runs } from '../db/tables/work.ts';
import type { ManifestFile } from '../model/table.ts';
import type { Run } from '../work/run.ts';
import type { ClassifyLimits } from './classifier.ts';
import type { ClassifierSpec } from './classifier-kind.ts';
import { isNeverRead } from './classify.ts';
import type { ObjectFinding } from './crawler.ts';
import type { Layout } from './layout.ts';

/** As a run's checkpoint keeps it: the manifest of the files, and the rules by which they were looked at. */
export interface SavedDismissed {
  readonly rules: string;
  readonly manifest: string;
}

/**
 * Files that were read and are no tables: as long as they are the same, and are looked at by the same rules, they are not
 * read again. Only those that a crawl reads are kept, which are a few of each folder, and no more than the limit: what is
 * not kept is read again.
 */
export class Dismissed {
  private readonly rules: string;
  private readonly custom: readonly ClassifierSpec[];
  private readonly limit: number;
  private readonly before = new Map<string, ManifestFile>();
  private readonly now = new Map<string, ManifestFile>();

  constructor(rules: string, custom: readonly ClassifierSpec[], limit: number, before: readonly ManifestFile[]) {
    this.rules = rules;
    this.custom = custom;
    this.limit = limit;
    for (const file of before.slice(0, limit)) this.before.set(file.address, file);
  }

  /** Whether all that would be read of it is known to be nothing. */
  has({ samples }: Layout): boolean {
    if (this.before.size === 0) return false;
    const known = samples.map((object) => this.before.get(object.location));
    const isKnown = samples.every((object, i) => isSame(object, known[i]) || isNeverRead(object, this.custom));
    if (isKnown) for (const [i, object] of samples.entries()) if (isSame(object, known[i])) this.keep(object);
    return isKnown;
  }

  /** It was read, and nothing in it is of a known format. */
  add({ samples }: Layout): void {
    for (const object of samples) if (!isNeverRead(object, this.custom)) this.keep(object);
  }

  private keep({ location, size, etag, modified }: ObjectFinding): void {
    if (this.now.size < this.limit) this.now.set(location, { address: location, size, etag, modified });
  }

  /** Keeps what the next crawl has to know. `whole`: all was looked at, so what was not met is not there any more. */
  async save(db: Db, whole: boolean): Promise<SavedDismissed | undefined> {
    const kept = new Map(this.now);
    for (const [address, file] of whole ? [] : this.before) if (kept.size < this.limit) kept.set(address, file);
    if (kept.size === 0) return undefined;
    const packed = packManifest([...kept.values()]);
    await keepManifests(db, [packed]);
    return { rules: this.rules, manifest: packed.hash };
  }
}

function isSame({ size, etag, modified }: ObjectFinding, file: ManifestFile | undefined): boolean {
  return file !== undefined && file.size === size && file.etag === etag && file.modified === modified;
}

/** So many runs are looked through: those that failed or were stopped have kept nothing. */
const RUNS = 20;

/** With what the last crawl that came to its end has found to be nothing, if it went by the same rules. */
export async function openDismissed(
  db: Db,
  { kind, name }: Run,
  custom: readonly ClassifierSpec[],
  limits: ClassifyLimits,
  most: number,
): Promise<Dismissed> {
  const rules = createHash('sha256')
    .update(JSON.stringify([programVersion(), custom, limits]))
    .digest('hex')
    .slice(0, 32);
  const recent = db
    .select({ kept: sql<SavedDismissed>`${runs.checkpoint} -> 'dismissed'`.as('kept') })
    .from(runs)
    .where(and(eq(runs.kind, kind), eq(runs.name, name)))
    .orderBy(desc(runs.createdAt), desc(runs.id))
    .limit(RUNS)
    .as('recent');
  const [row] = await db.select({ kept: recent.kept }).from(recent).where(isNotNull(recent.kept)).limit(1);
  const last = row?.kept;
  const before = last?.rules === rules ? await findManifest(db, last.manifest) : undefined;
  return new Dismissed(rules, custom, most, before ?? []);
}

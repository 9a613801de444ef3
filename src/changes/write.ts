import { sql } from 'drizzle-orm';
import type { Db, Ground } from '../db/db.ts';
import { changes } from '../db/tables/changes.ts';
import type { ChangeKind, Position } from '../model/change.ts';
import { TenonError } from '../model/errors.ts';
import type { NewId } from '../model/ground.ts';
import type { Actor } from '../model/principal.ts';

/** The transaction of a catalog write. Verbs that change the catalog take one, so that they compose into one commit. */
export interface Write {
  readonly tx: Db;
  readonly by: Actor;
  readonly at: Date;
  readonly newId: NewId;
  /**
   * The entry for a subject: one for each subject in a transaction, made at the first call and completed by the later
   * ones. Its position is what the rows changed with it carry in `added` and `ended`.
   */
  entry(subject: Subject): Promise<Entry>;
}

interface Subject {
  readonly id: string;
  readonly database?: string;
  readonly table?: string;
}

export interface Entry {
  readonly position: Position;
  /**
   * Notes what happened. Of several kinds in one transaction the weightiest names the entry (dropped, created, changed,
   * partitions); the first `before` and the last `after` stay; details are merged.
   */
  note(what: { kind: ChangeKind; before?: unknown; after?: unknown; details?: Record<string, unknown> }): void;
}

/** One lock for all writers of one catalog. Any number does, as long as it is the same everywhere. */
const WRITE_LOCK = 7_310_001;
/** Postgres takes at most 65,535 parameters in a statement, and an entry has twelve. */
const ENTRIES_A_STATEMENT = 1_000;
/** Who waits for changes listens here. A notification says only «look again», and comes after the commit. */
export const CHANGES_CHANNEL = 'tenon_changes';

/**
 * Every write to the catalog goes through here. The lock is taken before anything else, so positions are given out in
 * the order of commits, and a follower may trust `position > cursor`. Without it a slow transaction could commit below
 * a cursor that has already passed. Keep `fn` short: no network, at most 10,000 rows.
 */
export function write<T>(ground: Ground, by: Actor, fn: (w: Write) => Promise<T>): Promise<T> {
  return ground.db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${WRITE_LOCK})`);
    const entries = new Map<string, Promise<Draft>>();
    const at = ground.clock();
    const w: Write = { tx, by, at, newId: ground.newId, entry: (subject) => draft(tx, entries, subject) };
    const result = await fn(w);
    await append(w, await Promise.all(entries.values()));
    return result;
  });
}

interface Draft extends Entry {
  readonly subject: Subject;
  what: { kind: ChangeKind; before?: unknown; after?: unknown; details?: Record<string, unknown> } | undefined;
}

/** The promise is kept, not the draft, so that two calls at the same time get the same entry. */
function draft(tx: Db, entries: Map<string, Promise<Draft>>, subject: Subject): Promise<Draft> {
  const known = entries.get(subject.id);
  if (known !== undefined) return known;
  const made = makeDraft(tx, subject);
  entries.set(subject.id, made);
  return made;
}

async function makeDraft(tx: Db, subject: Subject): Promise<Draft> {
  const { rows } = await tx.execute<{ position: string }>(sql`select nextval('changes_position') as position`);
  const [row] = rows;
  if (row === undefined) throw new TenonError('INTERNAL', 'The log gave no position.');
  const made: Draft = {
    position: BigInt(row.position),
    subject,
    what: undefined,
    note(what) {
      made.what = made.what === undefined ? what : merge(made.what, what);
    },
  };
  return made;
}

function merge(a: NonNullable<Draft['what']>, b: NonNullable<Draft['what']>): NonNullable<Draft['what']> {
  const before = a.before ?? b.before;
  const after = b.after ?? a.after;
  return {
    kind: weight(b.kind) > weight(a.kind) ? b.kind : a.kind,
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
    details: { ...a.details, ...b.details },
  };
}

function weight(kind: ChangeKind): number {
  if (kind.endsWith('.dropped')) return 3;
  if (kind.endsWith('.created') || kind.endsWith('.defined')) return 2;
  return kind === 'partitions.changed' ? 0 : 1;
}

/** Entries on which nothing was noted leave no trace but a gap in the positions. */
async function append(w: Write, drafts: readonly Draft[]): Promise<void> {
  const rows = drafts.flatMap(({ position, subject, what }) =>
    what === undefined
      ? []
      : [
          {
            position,
            at: w.at,
            kind: what.kind,
            subject: subject.id,
            database: subject.database ?? null,
            table: subject.table ?? null,
            principal: w.by.principal.name,
            owner: w.by.owner,
            runId: w.by.runId ?? null,
            before: what.before ?? null,
            after: what.after ?? null,
            details: what.details ?? null,
          },
        ],
  );
  if (rows.length === 0) return;
  for (let start = 0; start < rows.length; start += ENTRIES_A_STATEMENT) {
    await w.tx.insert(changes).values(rows.slice(start, start + ENTRIES_A_STATEMENT));
  }
  await w.tx.execute(sql`select pg_notify(${CHANGES_CHANNEL}, '')`);
}

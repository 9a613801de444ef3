import { and, eq, inArray, sql } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Ground } from '../db/db.ts';
import { runs } from '../db/tables/work.ts';
import { TenonError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import { plainRecord, plainText } from './plain-json.ts';
import { OPEN_STATES, type Run } from './run.ts';
import { askToWake } from './wake.ts';

export interface RunDraft {
  readonly kind: string;
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** One lock for each kind and name while it is enqueued. The first number is ours alone; the second tells names apart. */
const ENQUEUE_LOCK = 7_310_003;
/** More than any name that a definition may have. */
const MAX_NAME_CHARS = 1_024;

/**
 * Puts a run into the queue, to be done in the name of `as`. Throws ALREADY_RUNNING, with `details.runId`, while one of
 * the same kind and name waits or runs: what it would see, that one will see.
 */
export async function enqueueRun(
  ground: Ground,
  as: Principal,
  draft: RunDraft,
  limits: { definitionBytes: number },
): Promise<Run> {
  authorize(as, 'write', `the ${draft.kind} «${draft.name}»`);
  if (plainText(draft.name, MAX_NAME_CHARS) !== draft.name) {
    throw new TenonError('BAD_INPUT', `The name of a ${draft.kind} is too long, or has characters that no text may have.`);
  }
  const params = plainRecord({ ...draft.params });
  const size = Buffer.byteLength(JSON.stringify(params));
  if (size > limits.definitionBytes) {
    throw new TenonError(
      'LIMIT',
      `The parameters of a run take ${size} bytes; limits.definitionBytes is ${limits.definitionBytes}.`,
    );
  }
  return ground.db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${ENQUEUE_LOCK}, hashtext(${`${draft.kind} ${draft.name}`}))`);
    const sameName = and(eq(runs.kind, draft.kind), eq(runs.name, draft.name), inArray(runs.state, [...OPEN_STATES]));
    const [open] = await tx.select({ id: runs.id, state: runs.state }).from(runs).where(sameName).limit(1);
    if (open !== undefined) {
      const state = open.state === 'QUEUED' ? 'waits to run already' : 'is running already';
      throw new TenonError('ALREADY_RUNNING', `The ${draft.kind} «${draft.name}» ${state}.`, {
        runId: open.id,
        state: open.state,
      });
    }
    const id = ground.newId();
    const rows = await tx
      .insert(runs)
      .values({ id, kind: draft.kind, name: draft.name, state: 'QUEUED', params, principalId: as.id, createdAt: ground.clock() })
      .returning();
    await askToWake(tx, id);
    return first(rows);
  });
}

function first(rows: readonly Run[]): Run {
  const [row] = rows;
  if (row === undefined) throw new TenonError('INTERNAL', 'The database returned no row for an insert.');
  return row;
}

import { listChanges, type ChangeFilter } from '../changes/list.ts';
import { watchChanges } from '../changes/watch.ts';
import type { Db, Ground } from '../db/db.ts';
import type { Change, ChangeKind, Position } from '../model/change.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import { authorize, mayAct } from './authorize.ts';

/** Who has access is for admins to know. */
const ADMIN_KINDS: readonly ChangeKind[] = ['principal.created', 'principal.changed', 'token.created', 'token.revoked'];

/** The log, as far as a principal may see it: `listChanges` with a check, for the doors. */
export async function readChanges(db: Db, as: Principal, filter: ChangeFilter, page: PageRequest): Promise<Page<Change>> {
  return listChanges(db, visible(as, filter), page);
}

/** `watchChanges` with a check, for subscriptions and `tenon changes --follow`. Throws FORBIDDEN at the first pull. */
export async function* followChanges(
  ground: Ground,
  as: Principal,
  options: { readonly after?: Position | undefined; readonly filter?: ChangeFilter; readonly signal: AbortSignal },
): AsyncIterable<Change> {
  yield* watchChanges(ground, { ...options, filter: visible(as, options.filter ?? {}) });
}

function visible(as: Principal, filter: ChangeFilter): ChangeFilter {
  authorize(as, 'read', 'changes');
  return mayAct(as, 'admin') ? filter : { ...filter, exceptKinds: [...(filter.exceptKinds ?? []), ...ADMIN_KINDS] };
}

import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm';
import type { Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { principals } from '../db/tables/access.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import { ROLES, type Principal, type Role } from '../model/principal.ts';
import { authorize } from './authorize.ts';

/** Acts for Tenon itself: the first start, followers. It has no row and no token, so nobody can log in as it. */
export const SYSTEM: Principal = { id: 'system', name: 'system', role: 'admin' };

const COLUMNS = { id: principals.id, name: principals.name, role: principals.role };
const PLAIN_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,126}$/u;

/** Throws FORBIDDEN, BAD_INPUT, or ALREADY_EXISTS. */
export async function createPrincipal(w: Write, draft: { readonly name: string; readonly role: Role }): Promise<Principal> {
  authorize(w.by.principal, 'admin', 'principals');
  checkPrincipalName(draft.name);
  checkRole(draft.role);
  if ((await findPrincipal(w.tx, { name: draft.name })) !== undefined) {
    throw new TenonError('ALREADY_EXISTS', `There is a principal «${draft.name}» already.`, { principal: draft.name });
  }
  const principal: Principal = { id: w.newId(), name: draft.name, role: draft.role };
  const entry = await w.entry({ id: principal.id });
  await w.tx.insert(principals).values({ ...principal, added: entry.position });
  entry.note({ kind: 'principal.created', after: { name: principal.name, role: principal.role } });
  return principal;
}

/** Gives a principal another role. Refuses to take the role from the last admin: nobody could give it back. */
export async function grantRole(w: Write, grant: { readonly principal: string; readonly role: Role }): Promise<Principal> {
  authorize(w.by.principal, 'admin', 'principals');
  checkRole(grant.role);
  const before = await getPrincipal(w.tx, grant.principal);
  if (before.role === grant.role) return before;
  if (before.role === 'admin' && (await countAdmins(w.tx)) === 1) {
    throw new TenonError('BAD_INPUT', `«${before.name}» is the only admin. Make another one first.`, { principal: before.name });
  }
  await w.tx.update(principals).set({ role: grant.role }).where(eq(principals.id, before.id));
  const entry = await w.entry({ id: before.id });
  entry.note({
    kind: 'principal.changed',
    before: { name: before.name, role: before.role },
    after: { name: before.name, role: grant.role },
  });
  return { ...before, role: grant.role };
}

/** Without a check: for a run that goes on as its principal, and for those who hold a name from a check before. */
export async function findPrincipal(
  db: Db,
  by: { readonly id: string } | { readonly name: string },
): Promise<Principal | undefined> {
  if ('id' in by && by.id === SYSTEM.id) return SYSTEM;
  const key = 'id' in by ? eq(principals.id, by.id) : eq(principals.name, by.name);
  const [found] = await db
    .select(COLUMNS)
    .from(principals)
    .where(and(key, isNull(principals.ended)));
  return found;
}

/** As `findPrincipal` by name, but throws NOT_FOUND. */
export async function getPrincipal(db: Db, name: string): Promise<Principal> {
  const found = await findPrincipal(db, { name });
  if (found === undefined) throw new TenonError('NOT_FOUND', `There is no principal «${name}».`, { principal: name });
  return found;
}

/** By name. */
export async function listPrincipals(db: Db, as: Principal, page: PageRequest): Promise<Page<Principal>> {
  authorize(as, 'admin', 'principals');
  const rows = await db
    .select(COLUMNS)
    .from(principals)
    .where(and(isNull(principals.ended), page.after === undefined ? undefined : gt(principals.name, page.after)))
    .orderBy(asc(principals.name))
    .limit(page.first + 1);
  return { items: rows.slice(0, page.first).map((item) => ({ cursor: item.name, item })), hasNextPage: rows.length > page.first };
}

/** How many could let others in. */
export async function countAdmins(db: Db): Promise<number> {
  const [row] = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(principals)
    .where(and(eq(principals.role, 'admin'), isNull(principals.ended)));
  return row?.count ?? 0;
}

/** The admin who has been one of us for longest. Throws NOT_FOUND before the first start. */
export async function oldestAdmin(db: Db): Promise<Principal> {
  const [found] = await db
    .select(COLUMNS)
    .from(principals)
    .where(and(eq(principals.role, 'admin'), isNull(principals.ended)))
    .orderBy(asc(principals.added))
    .limit(1);
  if (found === undefined) throw new TenonError('NOT_FOUND', 'There is no admin.');
  return found;
}

function checkPrincipalName(name: string): void {
  if (PLAIN_NAME.test(name) && name !== SYSTEM.name) return;
  throw new TenonError(
    'BAD_INPUT',
    'A principal’s name has 1 to 127 letters, digits or . _ @ + -, begins with a letter or a digit, and is not «system».',
    {
      name: name.slice(0, 200),
    },
  );
}

function checkRole(role: string): void {
  if (ROLES.some((known) => known === role)) return;
  throw new TenonError('BAD_INPUT', `There is no role «${role.slice(0, 50)}»: roles are ${ROLES.join(', ')}.`, {
    role: role.slice(0, 50),
  });
}

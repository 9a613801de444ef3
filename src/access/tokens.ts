import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { and, asc, eq, gt, isNull } from 'drizzle-orm';
import type { Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { principals, tokens } from '../db/tables/access.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import { authorize } from './authorize.ts';
import { getPrincipal } from './principals.ts';

/** What may be shown of a token. */
export interface Token {
  readonly id: string;
  /** The name of who acts with it. */
  readonly principal: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

/** The prefix lets secret scanners, and `redact`, know a token when they see one. */
const PREFIX = 'tenon_';
const SECRET_BYTES = 32;
const SHAPE = /^tenon_[A-Za-z0-9_-]{43}$/;

/**
 * Makes a token of 256 random bits. The returned text is the only copy: the database has its SHA-256, which is enough for
 * a secret that cannot be guessed (a slow hash protects passwords, which can).
 */
export async function createToken(
  w: Write,
  draft: { readonly principal: string; readonly name: string; readonly expiresAt?: Date | undefined },
): Promise<{ readonly id: string; readonly token: string }> {
  authorize(w.by.principal, 'admin', 'tokens');
  if (draft.name.trim() === '' || draft.name.length > 200 || /[\p{Cc}\p{Cs}]/u.test(draft.name))
    throw new TenonError('BAD_INPUT', 'A token’s name has 1 to 200 characters, and no control characters.');
  if (draft.expiresAt !== undefined && !(draft.expiresAt > w.at))
    throw new TenonError('BAD_INPUT', 'A token must expire in the future.');
  const principal = await getPrincipal(w.tx, draft.principal);
  const id = w.newId();
  const token = PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
  await w.tx.insert(tokens).values({
    id,
    principalId: principal.id,
    name: draft.name,
    hash: hashOf(token),
    createdAt: w.at,
    expiresAt: draft.expiresAt ?? null,
  });
  const entry = await w.entry({ id });
  entry.note({
    kind: 'token.created',
    after: { principal: principal.name, name: draft.name, expiresAt: draft.expiresAt?.toISOString() },
  });
  return { id, token };
}

/**
 * Who acts with this token; undefined when it is unknown, expired or revoked. It is looked up by its hash, so the time that
 * takes says nothing about any other token; `now` counts as expired at `expiresAt` itself.
 */
export async function findPrincipalByToken(db: Db, token: string, now: Date): Promise<Principal | undefined> {
  if (!SHAPE.test(token)) return undefined;
  const hash = hashOf(token);
  const [row] = await db
    .select({ id: principals.id, name: principals.name, role: principals.role, hash: tokens.hash, expiresAt: tokens.expiresAt })
    .from(tokens)
    .innerJoin(principals, eq(principals.id, tokens.principalId))
    .where(and(eq(tokens.hash, hash), isNull(tokens.revokedAt), isNull(principals.ended)));
  if (row === undefined || !timingSafeEqual(Buffer.from(row.hash), Buffer.from(hash))) return undefined;
  if (row.expiresAt !== null && row.expiresAt <= now) return undefined;
  return { id: row.id, name: row.name, role: row.role };
}

/** From its commit on the token is refused. Revoking it again changes nothing. */
export async function revokeToken(w: Write, token: { readonly id: string }): Promise<void> {
  authorize(w.by.principal, 'admin', 'tokens');
  const [found] = await w.tx
    .select({ name: tokens.name, principal: principals.name, revokedAt: tokens.revokedAt })
    .from(tokens)
    .innerJoin(principals, eq(principals.id, tokens.principalId))
    .where(eq(tokens.id, token.id));
  if (found === undefined) throw new TenonError('NOT_FOUND', `There is no token «${token.id}».`, { token: token.id });
  if (found.revokedAt !== null) return;
  await w.tx.update(tokens).set({ revokedAt: w.at }).where(eq(tokens.id, token.id));
  const entry = await w.entry({ id: token.id });
  entry.note({ kind: 'token.revoked', before: { principal: found.principal, name: found.name } });
}

/** The oldest first. */
export async function listTokens(db: Db, as: Principal, page: PageRequest): Promise<Page<Token>> {
  authorize(as, 'admin', 'tokens');
  const rows = await db
    .select({
      id: tokens.id,
      principal: principals.name,
      name: tokens.name,
      createdAt: tokens.createdAt,
      expiresAt: tokens.expiresAt,
      revokedAt: tokens.revokedAt,
    })
    .from(tokens)
    .innerJoin(principals, eq(principals.id, tokens.principalId))
    .where(page.after === undefined ? undefined : gt(tokens.id, page.after))
    .orderBy(asc(tokens.id))
    .limit(page.first + 1);
  const items = rows.slice(0, page.first).map((row) => ({
    cursor: row.id,
    item: { ...row, expiresAt: row.expiresAt ?? undefined, revokedAt: row.revokedAt ?? undefined },
  }));
  return { items, hasNextPage: rows.length > page.first };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

import { and, asc, eq, gt, isNull } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Secrets } from '../access/secrets.ts';
import type { Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { connections } from '../db/tables/connections.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import { textBefore, textPage } from '../model/text-pages.ts';
import { CONNECTION_KINDS, type Connection, type ConnectionDraft, type ConnectionOptions } from './connections.ts';
import { checkDraft, LEADS_TO } from './definitions.ts';

type Row = typeof connections.$inferSelect;

/** Needs an admin: a connection is where the server goes with its own network and with secrets. */
export async function defineConnection(w: Write, secrets: Secrets, draft: ConnectionDraft): Promise<Connection> {
  authorize(w.by.principal, 'admin', 'connections');
  const { kind, options } = checkDraft(draft);
  const before = await findRow(w.tx, draft.name);
  if (before !== undefined && before.kind !== kind) {
    throw new TenonError('ALREADY_EXISTS', `«${draft.name}» is a connection of the kind ${before.kind}; drop it first.`);
  }
  const id = before?.id ?? w.newId();
  const secret = nextSecret(secrets, draft, id, before, options);
  const after: Row = { id, name: draft.name, kind, options, secret, added: before?.added ?? 0n, ended: null };
  if (before !== undefined && secret === before.secret && sameOptions(before.options, options)) return connectionOf(before);
  const entry = await w.entry({ id });
  if (before === undefined) await w.tx.insert(connections).values({ ...after, added: entry.position });
  else await w.tx.update(connections).set({ options, secret }).where(eq(connections.id, id));
  entry.note({
    kind: before === undefined ? 'connection.created' : 'connection.changed',
    ...(before !== undefined && { before: connectionOf(before) }),
    after: connectionOf(after),
    details: { secret: secret === (before?.secret ?? null) ? 'kept' : secret === null ? 'removed' : 'set' },
  });
  return connectionOf(after);
}

/** The secret that is there stays the same bytes when it stays the same secret, so that saving twice changes nothing. */
function nextSecret(
  secrets: Secrets,
  draft: ConnectionDraft,
  id: string,
  before: Row | undefined,
  options: ConnectionOptions,
): Row['secret'] {
  const kept = before?.secret ?? null;
  if (draft.secret === null) return null;
  if (draft.secret !== undefined)
    return kept !== null && isSecret(secrets, kept, id, draft.secret) ? kept : secrets.seal(draft.secret, id);
  if (before === undefined || kept === null) return null;
  const moved = (LEADS_TO[before.kind as Connection['kind']] ?? []).filter((key) => before.options[key] !== options[key]);
  if (moved.length === 0) return kept;
  throw new TenonError(
    'BAD_INPUT',
    `The connection «${draft.name}» would lead elsewhere (${moved.join(', ')}): give its secret again, or null for none.`,
    { moved },
  );
}

/** A secret that cannot be opened any more (another key) is simply replaced. */
function isSecret(secrets: Secrets, sealed: Uint8Array, id: string, text: string): boolean {
  try {
    return secrets.unseal(sealed, id) === text;
  } catch {
    return false;
  }
}

function sameOptions(a: ConnectionOptions, b: ConnectionOptions): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => a[key] === b[key]);
}

export async function dropConnection(w: Write, name: string): Promise<void> {
  authorize(w.by.principal, 'admin', 'connections');
  const row = await findRow(w.tx, name);
  if (row === undefined) throw noSuch(name);
  const entry = await w.entry({ id: row.id });
  // The secret goes for good; only what may be shown stays as history.
  await w.tx.update(connections).set({ ended: entry.position, secret: null }).where(eq(connections.id, row.id));
  entry.note({ kind: 'connection.dropped', before: connectionOf(row) });
}

export async function findConnection(db: Db, as: Principal, name: string): Promise<Connection | undefined> {
  authorize(as, 'read', 'connections');
  const row = await findRow(db, name);
  return row === undefined ? undefined : connectionOf(row);
}

/** By name. */
export async function listConnections(db: Db, as: Principal, page: PageRequest): Promise<Page<Connection>> {
  authorize(as, 'read', 'connections');
  const before = textBefore(page);
  const rows = await db
    .select()
    .from(connections)
    .where(and(isNull(connections.ended), before === undefined ? undefined : gt(connections.name, before)))
    .orderBy(asc(connections.name))
    .limit(page.first + 1);
  return textPage(rows, page, (row) => row.name, connectionOf);
}

export async function findRow(db: Db, name: string): Promise<Row | undefined> {
  const rows = await db
    .select()
    .from(connections)
    .where(and(eq(connections.name, name), isNull(connections.ended)));
  return rows[0];
}

export function noSuch(name: string): TenonError {
  return new TenonError('NOT_FOUND', `There is no connection «${name.slice(0, 128)}».`, { connection: name.slice(0, 128) });
}

function connectionOf(row: Row): Connection {
  const kind = CONNECTION_KINDS.find((known) => known === row.kind);
  if (kind === undefined)
    throw new TenonError('UNSUPPORTED', `The connection «${row.name}» is of an unknown kind, «${row.kind}».`);
  return { id: row.id, name: row.name, kind, options: row.options, hasSecret: row.secret !== null };
}

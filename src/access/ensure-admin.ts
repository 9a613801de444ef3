import { write } from '../changes/write.ts';
import type { Ground } from '../db/db.ts';
import { countAdmins, createPrincipal, SYSTEM } from './principals.ts';
import { createToken } from './tokens.ts';

/**
 * At the first start there is nobody who could let anybody in: makes the principal `admin` with a token, which is returned
 * this once. Later starts return nothing. Two first starts at once make one admin, for both go through the write lock.
 *
 * `keep` stores the token (in `<data>/admin-token`, 0600) before the transaction commits: a crash in between leaves a file
 * that the next start overwrites, and never an admin whose token nobody has.
 */
export async function ensureAdmin(
  ground: Ground,
  keep?: (token: string) => Promise<void>,
): Promise<{ readonly created?: string }> {
  if ((await countAdmins(ground.db)) > 0) return {};
  return write(ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
    if ((await countAdmins(w.tx)) > 0) return {};
    await createPrincipal(w, { name: 'admin', role: 'admin' });
    const { token } = await createToken(w, { principal: 'admin', name: 'first start' });
    await keep?.(token);
    return { created: token };
  });
}

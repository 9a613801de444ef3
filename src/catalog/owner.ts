import type { Write } from '../changes/write.ts';
import { TenonError } from '../model/errors.ts';

/**
 * Rows belong to who added them. Only the API, behind which stands a person, may change what is another's: a crawl must
 * not overwrite what a job published, nor one crawl what another found. `what` is for the message: `table lake.sales`.
 */
export function checkOwner(w: Write, owner: string, what: string): void {
  if (mayChange(w, owner)) return;
  const message = `The ${what} belongs to ${owner}; ${w.by.owner} may not change it.`;
  throw new TenonError('ALREADY_EXISTS', message, { owner, by: w.by.owner });
}

export function mayChange(w: Write, owner: string): boolean {
  return owner === w.by.owner || w.by.owner === 'api';
}

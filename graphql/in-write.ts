import { write, type Write } from '../src/changes/write.ts';
import type { Context } from './context.ts';

/** One transaction of the API, in the name of who asks. */
export function inWrite<T>({ tenon, as }: Context, fn: (w: Write) => Promise<T>): Promise<T> {
  return write(tenon.ground, { principal: as, owner: 'api' }, fn);
}

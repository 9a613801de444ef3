import type { Principal } from '../src/model/principal.ts';
import type { Tenon } from '../src/tenon.ts';
import type { Loaders } from './loaders.ts';

/** What every resolver has: the running Tenon, who asks, and loaders that live as long as the request. */
export interface Context {
  readonly tenon: Tenon;
  readonly as: Principal;
  readonly loaders: Loaders;
  /** Aborts when the client goes away. */
  readonly signal?: AbortSignal | undefined;
}

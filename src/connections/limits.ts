import type { Config } from '../config.ts';

/** Bounds on everything that goes out, as the configuration has them; tests pass short ones. */
export type ConnectionLimits = Config['connections'];

/** Bounds on everything that goes out. The wiring may pass others; tests pass short ones. */
export interface ConnectionLimits {
  /** Until a server has taken the connection. */
  readonly connectTimeoutMs: number;
  /** Until a server has begun to answer, and then between any two pieces of its answer. */
  readonly requestTimeoutMs: number;
  /** How often a request is tried in all, with pauses that grow and vary in between. */
  readonly attempts: number;
  /** A page of a listing may be so large: 1,000 keys of 1,024 bytes, percent-encoded, with all that stands around them. */
  readonly pageBytes: number;
  /** One statement in a source database may take this long, unless the connection says otherwise. */
  readonly statementTimeoutMs: number;
  /** And may wait this long for a lock that somebody else holds. */
  readonly lockTimeoutMs: number;
  /** Sessions in one source database at once. */
  readonly sessions: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  attempts: 4,
  pageBytes: 16 * 1024 * 1024,
  statementTimeoutMs: 600_000,
  lockTimeoutMs: 10_000,
  sessions: 4,
};

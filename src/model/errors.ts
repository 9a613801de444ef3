/**
 * Every error a user can meet, in one table. GraphQL, HTTP and the command line each map it once.
 * `docs/errors.md` repeats the table for people; a test compares the two in both directions.
 *
 * `status` is the HTTP status; `next` tells the reader what to do, in a sentence.
 */
export const ERRORS = {
  ALREADY_EXISTS: { status: 409, next: 'Choose another name, or change the one that exists.' },
  ALREADY_RUNNING: { status: 409, next: 'Wait for the run under way, or stop it with stopRun.' },
  BAD_CONFIG: { status: 400, next: 'Correct tenon.yaml or the TENON_* variables that the message names.' },
  BAD_INPUT: { status: 400, next: 'Correct the value that the message names.' },
  BAD_JOB: { status: 400, next: 'Correct the job definition at the place that the message names.' },
  BAD_PREDICATE: {
    status: 400,
    next: 'Write partition predicates as key = value, <, <=, >, >=, IN, BETWEEN, LIKE, AND, OR, NOT.',
  },
  BAD_SQL: { status: 400, next: 'Correct the SQL; the message is the engine’s own.' },
  BLOCKED: { status: 409, next: 'Look at the diff; then correct the job, or accept the new version with tenon job accept.' },
  BUDGET: { status: 409, next: 'Crawl again, with a larger budget or the same: what is saved is not read again.' },
  CONFLICT: { status: 409, next: 'Read it again, and apply your change to what it is now.' },
  DATABASE_TOO_NEW: { status: 500, next: 'Use the version of Tenon that migrated this database, or a newer one.' },
  DATABASE_UNAVAILABLE: { status: 503, next: 'Check that the database runs and that TENON_DATABASE_URL is right.' },
  DATA_DIRECTORY: { status: 500, next: 'Check the owner, the permissions and the free space of the data directory.' },
  DATA_UNREADABLE: { status: 422, next: 'Repair or replace the file that the message names.' },
  DISK_FULL: { status: 507, next: 'Free some space and run again; nothing was published.' },
  FORBIDDEN: { status: 403, next: 'Ask an administrator for the role that the message names.' },
  HOST_NOT_ALLOWED: { status: 403, next: 'Correct the host, or let the configuration allow it: connections.allowedHosts.' },
  INTERNAL: { status: 500, next: 'This is a defect in Tenon. The log has the details under the id in the message.' },
  LIMIT: { status: 413, next: 'Make the input smaller, or raise the limit that the message names.' },
  NOT_FOUND: { status: 404, next: 'Check the spelling; lists show what there is.' },
  OUT_OF_DATE: { status: 409, next: 'Another attempt took over this run; its outcome counts.' },
  SOURCE_DENIED: { status: 502, next: 'Check the user name, the password or key, and what they may read.' },
  SOURCE_UNAVAILABLE: { status: 502, next: 'Check the address and the network, then crawl again; nothing was removed.' },
  STOPPED: { status: 409, next: 'Start it again when you want it to be done.' },
  TIMEOUT: { status: 504, next: 'Raise the timeout, or give the run less to do.' },
  UNAUTHENTICATED: { status: 401, next: 'Send Authorization: Bearer <token>.' },
  UNSUPPORTED: { status: 422, next: 'The message names what is supported.' },
} as const satisfies Record<string, { status: number; next: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error that is meant for a person: a code of the table above, a message without secrets, and details as plain data. */
export class TenonError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TenonError';
    this.code = code;
    this.details = details;
  }
}

/** Wraps whatever was thrown. Only a border calls this (GraphQL, HTTP, the command line, a run's end). */
export function asTenonError(error: unknown): TenonError {
  if (error instanceof TenonError) return error;
  // A plug-in may have a copy of this class, from its own installation.
  if (error instanceof Error && error.name === 'TenonError' && 'code' in error && isErrorCode(error.code))
    return new TenonError(error.code, error.message, {}, { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new TenonError('INTERNAL', message, {}, { cause: error });
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

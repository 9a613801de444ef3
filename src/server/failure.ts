import { redact } from '../access/redact.ts';
import { asTenonError, ERRORS, TenonError, type ErrorCode } from '../model/errors.ts';
import type { NewId } from '../model/ground.ts';
import type { Log } from '../work/log.ts';

/** What a client is told of an error: never a stack trace, never a secret. */
export interface Failure {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** What to do. */
  readonly next: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The one way from a thrown thing to an answer, for GraphQL and HTTP alike. What no one foresaw is logged whole under an
 * id; the client gets the id.
 */
export function failureOf(thrown: unknown, { log, newId }: { log: Log; newId: NewId }): Failure {
  const error = isTextRefused(thrown) ? refusedText(thrown) : asTenonError(thrown);
  if (error.code === 'INTERNAL') return internal(error, { log, newId });
  const { status, next } = ERRORS[error.code];
  return { status, code: error.code, message: cut(redact(error.message)), next, details: error.details };
}

function internal(error: TenonError, { log, newId }: { log: Log; newId: NewId }): Failure {
  const id = newId();
  log.error({ id, err: error.cause ?? error }, 'A defect answered a request.');
  const { status, next } = ERRORS.INTERNAL;
  return {
    status,
    code: 'INTERNAL',
    message: `Something went wrong that should not; the log has it under ${id}.`,
    next,
    details: { id },
  };
}

/** Postgres keeps no NUL in a text. Wherever one comes in, it is the asker's mistake; no verb has to look for it. */
function isTextRefused(thrown: unknown): boolean {
  for (let each = thrown; each instanceof Error; each = each.cause) if ('code' in each && each.code === '22021') return true;
  return false;
}

function refusedText(cause: unknown): TenonError {
  return new TenonError(
    'BAD_INPUT',
    'A text has the character NUL, which no name and no text of the catalog can have.',
    {},
    { cause },
  );
}

const MESSAGE_CHARS = 1_000;

/** A message may repeat what was asked, and that may be long. */
function cut(message: string): string {
  return message.length > MESSAGE_CHARS ? `${message.slice(0, MESSAGE_CHARS)}…` : message;
}

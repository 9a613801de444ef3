import { TenonError, type ErrorCode } from '../model/errors.ts';
import { errnoOf } from './file-errors.ts';
import { statusOf } from './s3-errors.ts';

const DENIED_NAMES = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'CredentialsProviderError',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'NotAuthorizedException',
  'UnrecognizedClientException',
]);

/** What was asked, and of which table. */
export interface DynamodbRequest {
  readonly operation: string;
  readonly table?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a failed request means. The message has DynamoDB's own word for the error but not its sentence, which may name
 * accounts and keys. `details.status` is there where a server has answered; without it nobody was reached. An abort by the
 * caller passes through.
 */
export function dynamodbError(error: unknown, request: DynamodbRequest): unknown {
  if (error instanceof TenonError) return error;
  if (request.signal?.aborted === true) return request.signal.reason;
  const name = nameOf(error);
  const status = statusOf(error);
  const [code, why] = meaning(name, status);
  const { operation, table } = request;
  const where = table === undefined ? '' : ` for the table «${table.slice(0, 255)}»`;
  const details = {
    operation,
    error: name,
    ...(table !== undefined && { table: table.slice(0, 255) }),
    ...(status !== undefined && { status }),
  };
  return new TenonError(code, `${operation}${where} failed: ${why}.`, details, { cause: error });
}

function meaning(name: string, status: number | undefined): readonly [ErrorCode, string] {
  if (DENIED_NAMES.has(name) || status === 401 || status === 403) return ['SOURCE_DENIED', `access denied (${name})`];
  if (name === 'ResourceNotFoundException') return ['DATA_UNREADABLE', 'it is not there (any more)'];
  if (name === 'UnknownOperationException') return ['UNSUPPORTED', 'this server does not know it'];
  return ['SOURCE_UNAVAILABLE', status === undefined ? name : `${name} (HTTP ${status})`];
}

/** A network error says more by its code (ECONNREFUSED) than by its name (Error). */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const errno = errnoOf(error);
  if (errno !== 'unknown') return errno;
  return /^[A-Za-z0-9.]{1,60}$/.test(error.name) ? error.name : 'unknown error';
}

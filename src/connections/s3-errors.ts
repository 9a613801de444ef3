import { TenonError, type ErrorCode } from '../model/errors.ts';
import { errnoOf, fileError } from './file-errors.ts';
import { BadAnswer, bytesOf, wholeAnswer, type Response } from './s3-body.ts';

const DENIED_NAMES = new Set([
  'AccessDenied',
  'AllAccessDisabled',
  'AccountProblem',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'Unauthorized',
]);
const LOCAL = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** What was asked of which bucket. */
export interface S3Request {
  readonly operation: string;
  readonly bucket: string;
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a failed request means. The message names the operation, the bucket and S3's own word for the error. S3's sentence
 * is left out, because some servers put the key id and the signed text into it. An abort by the caller passes through.
 */
export function s3Error(error: unknown, request: S3Request): unknown {
  if (error instanceof TenonError) return error;
  if (request.signal?.aborted === true) return request.signal.reason;
  if (LOCAL.has(errnoOf(error))) return fileError(error, request.key ?? '');
  const name = nameOf(error);
  const status = statusOf(error);
  const [code, why] = meaning(name, status, request);
  const details = { bucket: request.bucket, operation: request.operation, error: name, ...(status !== undefined && { status }) };
  return new TenonError(code, `${request.operation} on the bucket «${request.bucket}» failed: ${why}.`, details, {
    cause: error,
  });
}

function meaning(name: string, status: number | undefined, request: S3Request): readonly [ErrorCode, string] {
  if (name === 'NoSuchBucket') return ['SOURCE_UNAVAILABLE', 'there is no such bucket'];
  if (DENIED_NAMES.has(name) || status === 401 || status === 403) return ['SOURCE_DENIED', `access denied (${name})`];
  if (name === 'NoSuchUpload') return ['SOURCE_UNAVAILABLE', 'the answer to its last request was lost, upload it again'];
  if (status === 404 && request.key !== undefined)
    return ['DATA_UNREADABLE', `«${request.key.slice(0, 300)}» is not there (any more)`];
  if (status === 412 && request.key !== undefined) {
    return ['DATA_UNREADABLE', `«${request.key.slice(0, 300)}» has changed since it was listed`];
  }
  if (name === 'PermanentRedirect' || status === 301) return ['SOURCE_UNAVAILABLE', 'the bucket is in another region'];
  return ['SOURCE_UNAVAILABLE', status === undefined ? name : `${name} (HTTP ${status})`];
}

export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** A network error says more by its code (ECONNREFUSED) than by its name (Error). */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const errno = errnoOf(error);
  if (errno !== 'unknown') return errno;
  return /^[A-Za-z0-9.]{1,60}$/.test(error.name) ? error.name : 'unknown error';
}

/** An answer that says what went wrong, as the SDK throws it. */
class ErrorAnswer extends Error {
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(name: string, status: number) {
    super(`The server answers ${status}.`);
    this.name = name;
    this.$metadata = { httpStatusCode: status };
  }
}

const MAX_ERROR_BYTES = 65_536;

/** Where the answer has no name of an error, or cannot be read, its status alone says what it means. */
export async function errorAnswer(response: Response, idleMs: number): Promise<Error> {
  const limits = { requestTimeoutMs: idleMs };
  const text = await wholeAnswer(response, limits, MAX_ERROR_BYTES).then(
    (answer) => bytesOf(answer).toString(),
    () => '',
  );
  const name = /<Code>([A-Za-z0-9.]{1,60})<\/Code>/.exec(text)?.[1] ?? 'UnknownError';
  return new ErrorAnswer(name, response.statusCode);
}

const THROTTLED = new Set(['BandwidthLimitExceeded', 'RequestLimitExceeded', 'SlowDown', 'Throttling', 'ThrottlingException']);
const PASSING = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'RequestTimeout',
  'TimeoutError',
]);

/** What may go better another time, as the SDK sees it. */
export function retryKind(error: unknown): 'THROTTLING' | 'TRANSIENT' | undefined {
  const name = nameOf(error);
  const status = statusOf(error);
  if (status === 429 || THROTTLED.has(name)) return 'THROTTLING';
  const isPassing = error instanceof BadAnswer || PASSING.has(name) || [500, 502, 503, 504].includes(status ?? 0);
  return isPassing ? 'TRANSIENT' : undefined;
}

import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { TenonError, type ErrorCode } from '../model/errors.ts';

/** A way to one API: a URL, or the socket of a data directory's owner. */
export type Endpoint = { readonly url: string; readonly token: string } | { readonly socket: string; readonly token: string };

/** Thrown when nobody listens: nothing was asked, so the question may be put again elsewhere. */
export class NobodyThere extends Error {}

/** Thrown when the owner went away before it had answered: what was asked may be done, or not. */
export class BrokenOff extends Error {}

/** Sent by every command, so that an owner can tell its own questions from those of others. */
export const CLIENT_HEADER = 'x-tenon-client';

const ANSWER_LIMIT_BYTES = 256 * 1024 * 1024;

/** Asks GraphQL. Errors of the answer are thrown as the TenonError that they were on the other side. */
export async function askGraphql<T>(endpoint: Endpoint, query: string, variables: Record<string, unknown>): Promise<T> {
  const response = await send(endpoint, 'POST', '/graphql', JSON.stringify({ query, variables }));
  const text = await readText(response).catch((error: unknown) => Promise.reject(unreachable(endpoint, error)));
  const answer = parseAnswer(text, response.statusCode ?? 0);
  const [error] = answer.errors ?? [];
  if (error !== undefined) {
    const { code = 'INTERNAL', details = {} } = error.extensions ?? {};
    throw new TenonError(code, error.message, details);
  }
  if (answer.error !== undefined) throw new TenonError(answer.error.code, answer.error.message, answer.error.details ?? {});
  return answer.data as T;
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { message: string; extensions?: { code?: ErrorCode; details?: Record<string, unknown> } }[];
  readonly error?: { code: ErrorCode; message: string; details?: Record<string, unknown> };
}

function parseAnswer(text: string, status: number): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch (cause) {
    throw new TenonError('SOURCE_UNAVAILABLE', `The server answered ${status} with something that is no JSON.`, {}, { cause });
  }
}

/** The body of a GET as a stream; a status of 400 or more is thrown as the error it carries. */
export async function getStream(endpoint: Endpoint, path: string): Promise<IncomingMessage> {
  const response = await send(endpoint, 'GET', path);
  if ((response.statusCode ?? 500) < 400) return response;
  const { error } = parseAnswer(await readText(response), response.statusCode ?? 500);
  throw new TenonError(error?.code ?? 'INTERNAL', error?.message ?? 'The server refused.', error?.details ?? {});
}

function send(endpoint: Endpoint, method: string, path: string, body?: string): Promise<IncomingMessage> {
  const headers = {
    authorization: `Bearer ${endpoint.token}`,
    host: 'localhost',
    [CLIENT_HEADER]: String(process.pid),
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage): void => resolve(response);
    const request = openRequest(endpoint, method, path, headers, answered);
    request.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(endpoint, error)));
    request.end(body);
  });
}

function openRequest(
  endpoint: Endpoint,
  method: string,
  path: string,
  headers: Record<string, string | number>,
  answered: (response: IncomingMessage) => void,
) {
  if ('socket' in endpoint) return requestHttp({ socketPath: endpoint.socket, method, path, headers, agent: false }, answered);
  const { host: _host, ...rest } = headers;
  const url = new URL(path, endpoint.url);
  return (url.protocol === 'https:' ? requestHttps : requestHttp)(url, { method, headers: rest }, answered);
}

/** Refused or not there: nobody has seen the question. Broken off: it may have been seen. */
function unreachable(endpoint: Endpoint, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (cause instanceof TenonError) return cause;
  if ('socket' in endpoint && (code === 'ECONNREFUSED' || code === 'ENOENT')) return new NobodyThere(code);
  if ('socket' in endpoint && (code === 'ECONNRESET' || code === 'EPIPE')) return new BrokenOff(code, { cause });
  const where = 'url' in endpoint ? new URL(endpoint.url).origin : 'the owner of the data directory';
  return new TenonError('SOURCE_UNAVAILABLE', `Cannot reach ${where}: ${code ?? message}.`, {}, { cause });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_LIMIT_BYTES) throw new TenonError('LIMIT', 'The answer is larger than 256 MiB; ask for less of it.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

import type { Readable } from 'node:stream';
import type { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { ConnectionLimits } from './limits.ts';
import { BadAnswer, takeBody, wholeAnswer, type Answer } from './s3-body.ts';
import { errorAnswer, nameOf, retryKind, s3Error, statusOf, type S3Request } from './s3-errors.ts';
import { encodeKey, routeOf, type Route } from './s3-route.ts';

export interface S3Session {
  readonly client: () => Promise<S3Client>;
  readonly limits: ConnectionLimits;
  /** By bucket, of those that have answered. */
  readonly routes: Map<string, Route>;
}

export interface Get {
  readonly request: S3Request;
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** An answer with more bytes is refused. */
  readonly max: number;
  /** The same request for the SDK. */
  readonly command: () => Promise<GetObjectCommand | ListObjectsV2Command>;
  /** Throws BadAnswer where the answer is to be asked for again. Returns what the SDK gets to parse instead of it. */
  readonly take: (answer: Answer) => Uint8Array | Readable;
}

/** Which need what only the SDK knows: to follow a bucket into its region, to set the clock right. */
const FOR_THE_SDK = new Set(['AuthorizationHeaderMalformed', 'PermanentRedirect', 'RequestTimeTooSkewed', 'TemporaryRedirect']);

/**
 * One request whose answer is taken whole. The SDK makes the first to a bucket. Those after it go the same way, signed, sent and
 * tried again by the SDK's own signer, HTTP handler and retry strategy, but around its pipeline of middleware, which costs three
 * times as much as all of these.
 */
export async function get(session: S3Session, asked: Get): Promise<void> {
  const { bucket } = asked.request;
  try {
    const client = await session.client();
    const route = session.routes.get(bucket);
    if (route === undefined) return await bySdk(session, client, asked);
    try {
      await byRoute(session, client, route, asked);
    } catch (error) {
      if (!FOR_THE_SDK.has(nameOf(error)) && Math.floor((statusOf(error) ?? 0) / 100) !== 3) throw error;
      session.routes.delete(bucket);
      await bySdk(session, client, asked);
    }
  } catch (error) {
    throw s3Error(error, asked.request);
  }
}

async function bySdk({ limits, routes }: S3Session, client: S3Client, asked: Get): Promise<void> {
  const { bucket, key, signal } = asked.request;
  const command = await asked.command();
  let sent: unknown;
  let isTaken = false;
  takeBody(command, limits, asked.max, (answer, request) => {
    const instead = asked.take(answer);
    [sent, isTaken] = [request, true];
    return instead;
  });
  // The two commands differ in their types only in what they answer, which is taken already.
  await client.send(command as GetObjectCommand, { ...(signal !== undefined && { abortSignal: signal }) });
  if (!isTaken) throw new BadAnswer('NoAnswer', 'There was no answer.');
  const route = await routeOf(client, sent, key);
  if (route !== undefined) routes.set(bucket, route);
}

async function byRoute(session: S3Session, client: S3Client, route: Route, asked: Get): Promise<void> {
  const strategy = await client.config.retryStrategy();
  if (!('acquireInitialRetryToken' in strategy)) return bySdk(session, client, asked);
  let token = await strategy.acquireInitialRetryToken(asked.request.operation);
  for (;;) {
    try {
      await tryOnce(session, client, route, asked);
      return strategy.recordSuccess(token);
    } catch (error) {
      const errorType = asked.request.signal?.aborted === true ? undefined : retryKind(error);
      if (errorType === undefined) throw error;
      // It waits, longer each time, and refuses when this was the last attempt or too much fails altogether.
      token = await strategy.refreshRetryTokenForRetry(token, { errorType }).catch(() => Promise.reject(error));
    }
    asked.request.signal?.throwIfAborted();
  }
}

async function tryOnce({ limits }: S3Session, client: S3Client, route: Route, asked: Get): Promise<void> {
  const { key, signal } = asked.request;
  const { protocol, hostname, port, base, region, service } = route;
  const request = {
    method: 'GET',
    protocol,
    hostname,
    ...(port !== undefined && { port }),
    path: `${base}/${encodeKey(key ?? '')}`,
    query: { ...asked.query },
    headers: { ...route.headers, ...asked.headers },
  };
  const signingDate = new Date(Date.now() + client.config.systemClockOffset);
  const signed = await route.signer.sign(request, { signingDate, signingRegion: region, signingService: service });
  const { response } = await client.config.requestHandler.handle(signed as never, {
    ...(signal !== undefined && { abortSignal: signal }),
  });
  if (response.statusCode >= 300) throw await errorAnswer(response, limits.requestTimeoutMs);
  asked.take(await wholeAnswer(response, limits, asked.max));
}

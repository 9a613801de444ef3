import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  getOperationAST,
  parse,
  specifiedRules,
  subscribe,
  validate,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import { z } from 'zod';
import { LIMIT_RULES } from '../../graphql/limits.ts';
import { createLoaders } from '../../graphql/loaders.ts';
import { TenonError } from '../model/errors.ts';
import type { Tenon } from '../tenon.ts';
import { formatError, thrownBehind } from './graphql-errors.ts';
import { whoIs } from './who.ts';

/** Each holds a connection and looks at the log: no more than so many at once. */
const MAX_STREAMS = 200;
/** A comment so often keeps proxies from taking a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;

const BODY = z.object({
  query: z.string(),
  operationName: z.string().nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
});

/**
 * `POST /graphql/stream`: subscriptions as server-sent events, in the way of the GraphQL over SSE protocol (one stream for
 * each subscription): `next` for each result, `complete` at the end. Ends when the client goes away, and with `end`.
 */
export function mountStream(app: FastifyInstance, tenon: Tenon, schema: GraphQLSchema): { end(): void } {
  const streams = new Set<AbortController>();
  app.post('/graphql/stream', async (request, reply) => {
    const as = await whoIs(tenon, request);
    if (streams.size >= MAX_STREAMS)
      throw new TenonError('LIMIT', `At most ${MAX_STREAMS} subscriptions at a time.`, { limit: MAX_STREAMS });
    const { document, operationName, variables } = readBody(schema, request);
    const gone = new AbortController();
    const contextValue = { tenon, as, loaders: createLoaders(tenon, as), signal: gone.signal };
    const results = await subscribe({ schema, document, operationName, variableValues: variables, contextValue });
    if (!(Symbol.asyncIterator in results)) throw thrownBehind(results.errors?.[0]);
    streams.add(gone);
    try {
      await send(tenon, request, reply, results, gone);
    } finally {
      streams.delete(gone);
    }
    return reply;
  });
  return {
    end() {
      for (const stream of streams) stream.abort();
    },
  };
}

function readBody(schema: GraphQLSchema, request: FastifyRequest) {
  const parsed = BODY.safeParse(request.body);
  if (!parsed.success) throw new TenonError('BAD_INPUT', 'The body must be {"query": …, "variables": …}.');
  const { query, operationName, variables } = parsed.data;
  const document = parseQuery(query);
  const [mistake] = validate(schema, document, [...specifiedRules, ...LIMIT_RULES]);
  if (mistake !== undefined) throw thrownBehind(mistake);
  if (getOperationAST(document, operationName)?.operation === 'subscription') return { document, operationName, variables };
  throw new TenonError('BAD_INPUT', 'Only subscriptions are streamed; queries and mutations go to /graphql.');
}

function parseQuery(query: string): DocumentNode {
  try {
    return parse(query);
  } catch (error) {
    throw thrownBehind(error);
  }
}

async function send(
  tenon: Tenon,
  request: FastifyRequest,
  reply: FastifyReply,
  results: AsyncIterable<ExecutionResult>,
  gone: AbortController,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.once('close', () => gone.abort());
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.write(':\n\n');
  const heartbeat = setInterval(() => {
    raw.write(':\n\n');
    // A token that was revoked meanwhile is good for no more.
    whoIs(tenon, request).catch(() => gone.abort());
  }, HEARTBEAT_MS);
  try {
    for await (const result of results) await write(raw, 'next', shown(tenon, result), gone.signal);
    await write(raw, 'complete', undefined, gone.signal);
  } catch (error) {
    const errors = [formatError(tenon, {}, error)];
    if (!gone.signal.aborted) await write(raw, 'next', { errors }, gone.signal);
  } finally {
    clearInterval(heartbeat);
    raw.end();
  }
}

function shown(tenon: Tenon, { data, errors }: ExecutionResult): object {
  return errors === undefined ? { data } : { data, errors: errors.map((error) => formatError(tenon, error, error)) };
}

/** At the pace of the client: memory does not grow for one that reads slowly. */
async function write(raw: ServerResponse, event: string, data: object | undefined, signal: AbortSignal): Promise<void> {
  if (raw.destroyed || raw.write(`event: ${event}\ndata: ${data === undefined ? '' : JSON.stringify(data)}\n\n`)) return;
  await once(raw, 'drain', { signal }).catch(() => undefined);
}

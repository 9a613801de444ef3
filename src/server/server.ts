import { performance } from 'node:perf_hooks';
import { finished } from 'node:stream';
import { sql } from 'drizzle-orm';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { authorize } from '../access/authorize.ts';
import { backup } from '../db/backup.ts';
import { TenonError } from '../model/errors.ts';
import type { Tenon } from '../tenon.ts';
import { failureOf } from './failure.ts';
import { mountGraphql } from './graphql-mount.ts';
import { mountStream } from './graphql-stream.ts';
import { checkHost } from './host-check.ts';
import { listenAt, type Listener, type Place } from './listen.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { mountS3Hook } from './s3-hook.ts';
import { startPage } from './start-page.ts';
import { whoIs } from './who.ts';

export interface ServerOptions {
  readonly tenon: Tenon;
  readonly schema: GraphQLSchema;
  readonly version: string;
  /** Told of every request when it comes. */
  readonly onRequest?: (request: FastifyRequest) => void;
}

export interface Server {
  readonly app: FastifyInstance;
  /** Begins to listen at a place, besides those where it does already. Returns the address. */
  listen(place: Place): Promise<string>;
  /** Requests that are being answered now. */
  open(): number;
  /** Answers what was asked, then stops. */
  close(): Promise<void>;
}

/** GraphQL checks what comes in and writes what goes out; without this Fastify loads and starts what would do so for others. */
const NO_SCHEMAS = { buildValidator: noSchema, buildSerializer: noSchema };

function noSchema(): never {
  throw new Error('Routes have no schemas here.');
}

/** All doors of HTTP: GraphQL, health, metrics, backup and the start page. */
export async function createServer({ tenon, schema, version, onRequest }: ServerOptions): Promise<Server> {
  const app = Fastify({ bodyLimit: tenon.config.limits.requestBytes, schemaController: { compilersFactory: NO_SCHEMAS } });
  let open = 0;
  answerErrors(app, tenon);
  app.addHook('onRequest', async (request, reply) => {
    open += 1;
    // Not the hook for responses: it is not called when a client goes away in between.
    finished(reply.raw, () => {
      open -= 1;
    });
    onRequest?.(request);
    checkHost(request, tenon.config.host);
  });
  const metrics = createMetrics(tenon);
  measure(app, tenon, metrics);
  showHealth(app, tenon);
  app.get('/', async (_request, reply) =>
    reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
      .header('x-content-type-options', 'nosniff')
      .type('text/html; charset=utf-8')
      .send(startPage(tenon, version)),
  );
  app.get('/backup', (request, reply) => sendBackup(tenon, request, reply));
  await mountS3Hook(app, tenon);
  await mountGraphql(app, tenon, schema, metrics);
  const streams = mountStream(app, tenon, schema);
  await app.ready();
  const listeners: Listener[] = [];
  return {
    app,
    async listen(place) {
      const listener = await listenAt(place, app.routing);
      listeners.push(listener);
      return listener.address;
    },
    open: () => open,
    async close() {
      streams.end();
      await Promise.all(listeners.map((listener) => listener.close()));
      await app.close();
    },
  };
}

/** The answer to every error of every route, and to every address that is none. */
function answerErrors(app: FastifyInstance, tenon: Tenon): void {
  const answer = (error: unknown, reply: FastifyReply): FastifyReply => {
    const { status, ...body } = failureOf(ofFastify(error), { log: tenon.log, newId: tenon.ground.newId });
    return reply.status(status).send({ error: body });
  };
  app.setErrorHandler((error, _request, reply) => answer(error, reply));
  app.setNotFoundHandler((request, reply) =>
    answer(
      new TenonError('NOT_FOUND', `There is nothing at ${request.method} ${request.url.split('?')[0]?.slice(0, 200) ?? ''}.`),
      reply,
    ),
  );
}

/** What Fastify refuses by itself (a body that is too large, or no JSON) is the client's mistake, not ours. */
function ofFastify(error: unknown): unknown {
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  if (error instanceof TenonError || statusCode === undefined || statusCode >= 500) return error;
  return new TenonError(statusCode === 413 ? 'LIMIT' : 'BAD_INPUT', message ?? 'The request cannot be read.', {
    reason: code ?? statusCode,
  });
}

function measure(app: FastifyInstance, tenon: Tenon, metrics: Metrics): void {
  const began = new WeakMap<FastifyRequest, number>();
  app.addHook('onRequest', async (request) => {
    began.set(request, performance.now());
  });
  app.addHook('onResponse', async (request, reply) => {
    const ms = performance.now() - (began.get(request) ?? performance.now());
    const route = request.routeOptions.url ?? 'none';
    metrics.requests.observe({ method: request.method, route, status: String(reply.statusCode) }, ms / 1000);
    tenon.log.info({ method: request.method, route, status: reply.statusCode, ms: Math.round(ms) }, 'Answered.');
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()));
}

function showHealth(app: FastifyInstance, tenon: Tenon): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      await tenon.ground.db.execute(sql`select 1 from changes limit 1`);
      return { status: 'ok' };
    } catch (error) {
      tenon.log.error({ err: error }, 'The database does not answer.');
      return reply.status(503).send({ status: 'unavailable', reason: 'The database does not answer.' });
    }
  });
}

/** A backup of the whole catalog as a stream, for `tenon backup`. The key that opens the secrets in it is not part of it. */
async function sendBackup(tenon: Tenon, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  authorize(await whoIs(tenon, request), 'admin', 'a backup of the catalog');
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/octet-stream' });
  try {
    await backup(tenon.pool, reply.raw);
  } catch (error) {
    // The head is sent: only a broken stream can tell the client that this is not a whole backup.
    tenon.log.error({ err: error }, 'A backup broke off.');
    reply.raw.destroy();
  }
  return reply;
}

import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Context } from '../../graphql/context.ts';
import { LIMIT_RULES } from '../../graphql/limits.ts';
import { createLoaders } from '../../graphql/loaders.ts';
import { TenonError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Tenon } from '../tenon.ts';
import { failureOf } from './failure.ts';
import { formatError } from './graphql-errors.ts';
import type { Metrics } from './metrics.ts';
import { whoIs } from './who.ts';

/** `POST /graphql`. Every request carries a token; without one there is no answer, not even the schema. */
export async function mountGraphql(app: FastifyInstance, tenon: Tenon, schema: GraphQLSchema, metrics: Metrics): Promise<void> {
  const apollo = new ApolloServer<Context>({
    schema,
    introspection: true,
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    validationRules: LIMIT_RULES,
    // Halves the rate of nested reads, for hints that nobody here reads.
    plugins: [ApolloServerPluginCacheControlDisabled(), countErrors(metrics)],
    formatError: (formatted, error) => formatError(tenon, formatted, error),
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());
  const callers = new WeakMap<FastifyRequest, Principal>();
  app.route({
    method: ['GET', 'POST', 'OPTIONS'],
    url: '/graphql',
    // Before Apollo, which would make a defect of whatever fails while the context is made.
    preHandler: async (request, reply) => {
      try {
        callers.set(request, await whoIs(tenon, request));
      } catch (error) {
        const { status, code, message, next, details } = failureOf(error, { log: tenon.log, newId: tenon.ground.newId });
        metrics.graphqlErrors.inc({ code });
        await reply.status(status).send({ errors: [{ message, extensions: { code, next, details } }] });
      }
    },
    handler: fastifyApolloHandler(apollo, {
      context: async (request, reply) => {
        const as = callers.get(request);
        if (as === undefined) throw new TenonError('UNAUTHENTICATED', 'The request has no token.');
        return { tenon, as, loaders: createLoaders(tenon, as), signal: goneSignal(reply) };
      },
    }),
  });
}

/** Aborts when the client goes away before it has its answer: nobody waits for the rest of a query any more. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

function countErrors(metrics: Metrics): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      return {
        async willSendResponse({ response: { body } }) {
          if (body.kind !== 'single') return;
          for (const { extensions } of body.singleResult.errors ?? [])
            metrics.graphqlErrors.inc({ code: String(extensions?.['code']) });
        },
      };
    },
  };
}

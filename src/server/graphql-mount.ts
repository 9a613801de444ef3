import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance } from 'fastify';
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import type { Context } from '../../graphql/context.ts';
import { LIMIT_RULES } from '../../graphql/limits.ts';
import { createLoaders } from '../../graphql/loaders.ts';
import { TenonError } from '../model/errors.ts';
import type { Tenon } from '../tenon.ts';
import { failureOf } from './failure.ts';
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
  app.route({
    method: ['GET', 'POST', 'OPTIONS'],
    url: '/graphql',
    handler: fastifyApolloHandler(apollo, {
      context: async (request) => {
        const as = await whoIs(tenon, request);
        return { tenon, as, loaders: createLoaders(tenon, as) };
      },
    }),
  });
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

/** Every error gets a code of our table, what to do next, and no trace of where in the code it happened. */
function formatError(tenon: Tenon, formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const thrown = error instanceof GraphQLError ? (error.originalError ?? mistakeOf(error)) : error;
  const { code, message, next, details } = failureOf(thrown, { log: tenon.log, newId: tenon.ground.newId });
  const { locations, path } = formatted;
  return { message, ...(locations && { locations }), ...(path && { path }), extensions: { code, next, details } };
}

/** What the GraphQL layer refuses by itself: a query that does not parse or does not fit the schema. */
function mistakeOf(error: GraphQLError): unknown {
  const code = error.extensions['code'];
  if (code === 'INTERNAL_SERVER_ERROR') return error;
  return new TenonError('BAD_INPUT', error.message, code === undefined ? {} : { graphql: code });
}

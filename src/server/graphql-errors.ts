import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { TenonError } from '../model/errors.ts';
import type { Tenon } from '../tenon.ts';
import { failureOf } from './failure.ts';

/** Where in the query it happened. */
interface Place {
  readonly locations?: GraphQLFormattedError['locations'] | undefined;
  readonly path?: GraphQLFormattedError['path'] | undefined;
}

/** Every error gets a code of our table, what to do next, and no trace of where in the code it happened. */
export function formatError(tenon: Tenon, formatted: Place, error: unknown): GraphQLFormattedError {
  const thrown = thrownBehind(error);
  const { code, message, next, details } = failureOf(thrown, { log: tenon.log, newId: tenon.ground.newId });
  const { locations, path } = formatted;
  return { message, ...(locations && { locations }), ...(path && { path }), extensions: { code, next, details } };
}

/** What a resolver threw, or in our words what the GraphQL layer refuses: a query that does not parse, fit, or is too large. */
export function thrownBehind(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error;
  if (error.originalError !== undefined && error.originalError !== null) return thrownBehind(error.originalError);
  const code = error.extensions['code'];
  if (code === 'INTERNAL_SERVER_ERROR') return error;
  if (code === 'LIMIT') return new TenonError('LIMIT', error.message);
  return new TenonError('BAD_INPUT', error.message, code === undefined ? {} : { graphql: code });
}

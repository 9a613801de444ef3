import { GraphQLError, valueFromASTUntyped } from 'graphql';
import { builder } from './builder.ts';

builder.scalarType('BigInt', {
  description: 'A whole number of any size, as text: JSON readers lose digits beyond 2^53. As input a number will do too.',
  serialize: String,
  parseValue: (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === 'string' && /^-?\d{1,40}$/.test(value)) return BigInt(value);
    throw new GraphQLError('A BigInt is a whole number, as text.');
  },
});

builder.scalarType('DateTime', {
  description: 'An instant in ISO 8601, in UTC: `2026-11-20T12:00:00.000Z`.',
  serialize: (date) => date.toISOString(),
  parseValue: (value) => {
    const date = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : undefined;
    if (date === undefined || Number.isNaN(date.getTime()))
      throw new GraphQLError('A DateTime is written as 2026-11-20T12:00:00Z.');
    return date;
  },
});

builder.scalarType('JSON', {
  description: 'Any JSON value. What is in it is told where it is used.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(node, variables) as unknown,
});

builder.scalarType('Position', {
  description: 'A place in the log of changes. Opaque: of two positions, only the log knows which comes first.',
  serialize: String,
  parseValue: (value) => {
    if (typeof value === 'string' && /^\d{1,18}$/.test(value)) return BigInt(value);
    throw new GraphQLError('A Position is a text that a change gave.');
  },
});

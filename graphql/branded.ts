import { brandWithType } from '@pothos/core';

/**
 * Marks what was loaded for `node` and `nodes` with the name of its type. The relay plugin does so too, but when both ask
 * for one thing in the same request, the second may get it before it is marked.
 */
export function branded<T extends object>(type: 'Database' | 'Run' | 'Table', value: T | undefined): T | undefined {
  if (value !== undefined) brandWithType(value, type as never);
  return value;
}

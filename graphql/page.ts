import type { ArgBuilder, InputFieldMap } from '@pothos/core';
import { TenonError } from '../src/model/errors.ts';
import type { Page, PageRequest } from '../src/model/ground.ts';
import type { builder } from './builder.ts';

/** Items of a page that does not say how many. */
export const FIRST = 100;

/** The arguments of every list: there is only the way forward, because that is what cursors of a changing list can promise. */
export const pageArgs = (t: { readonly arg: ArgBuilder<typeof builder.$inferSchemaTypes> }) =>
  ({
    first: t.arg.int({
      defaultValue: FIRST,
      description: 'How many items at most: 1 to `limits.pageItems` of the configuration, 1,000 unless changed.',
    }),
    after: t.arg.string({ description: 'The cursor of the last item of the page before; left out: from the beginning.' }),
  }) satisfies InputFieldMap;

interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** What the verbs take. Throws LIMIT for a page that is too long. */
export function pageOf({ first, after }: PageArgs, limits: { readonly pageItems: number }): PageRequest {
  const items = first ?? FIRST;
  if (items < 1) throw new TenonError('BAD_INPUT', '«first» must be at least 1.', { first: items });
  if (items > limits.pageItems) {
    throw new TenonError('LIMIT', `A page has ${limits.pageItems} items at most (limits.pageItems).`, {
      first: items,
      limit: limits.pageItems,
    });
  }
  return { first: items, after: after ?? undefined };
}

/** A page as Relay wants it. */
export function connectionOf<Item, Node = Item>(page: Page<Item>, args: PageArgs, nodeOf: (item: Item) => Node) {
  return {
    edges: page.items.map(({ cursor, item }) => ({ cursor, node: nodeOf(item) })),
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: typeof args.after === 'string',
      startCursor: page.items[0]?.cursor ?? null,
      endCursor: page.items.at(-1)?.cursor ?? null,
    },
  };
}

/** The item itself, for lists whose items need nothing added. */
export function same<T>(item: T): T {
  return item;
}

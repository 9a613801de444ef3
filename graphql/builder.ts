import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import type { Position } from '../src/model/change.ts';
import { TenonError } from '../src/model/errors.ts';
import type { Context } from './context.ts';

interface Types {
  Context: Context;
  DefaultFieldNullability: false;
  DefaultInputFieldRequiredness: false;
  Scalars: {
    ID: { Input: string; Output: string };
    BigInt: { Input: bigint; Output: bigint };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: unknown; Output: unknown };
    Position: { Input: Position; Output: Position };
  };
}

/** The types that have an id; an id of any other is one of nothing. */
const NODE_TYPES: ReadonlySet<string> = new Set(['Database', 'Run', 'Table']);

const OPAQUE = 'Opaque: store it, send it back, do not take it apart.';

/** Each file of this folder adds its noun to this one builder; `schema.ts` puts them together. */
export const builder = new SchemaBuilder<Types>({
  plugins: [RelayPlugin],
  defaultFieldNullability: false,
  relay: {
    // Readable, so that a person can tell what an id in a log is. Clients take it as a whole all the same.
    encodeGlobalID: (typename, id) => `${typename}:${id}`,
    decodeGlobalID: (globalId) => {
      const colon = globalId.indexOf(':');
      return { typename: globalId.slice(0, Math.max(colon, 0)), id: globalId.slice(colon + 1) };
    },
    idFieldOptions: { description: `The id of this object, unique among all objects of this Tenon. ${OPAQUE}` },
    nodeTypeOptions: { description: 'Anything that has an id and can be asked for by it.' },
    nodeQueryOptions: {
      resolve: (_, { id }, __, ___, load) => (NODE_TYPES.has(id.typename) ? load(id) : null),
      description: 'The object with this id; null when there is none (any more).',
      args: { id: { description: 'An `id` as some object gave it.' } },
    },
    nodesQueryOptions: {
      resolve: async (_, { ids }, { tenon }, __, load) => {
        const { pageItems } = tenon.config.limits;
        if (ids.length > pageItems) throw new TenonError('LIMIT', `At most ${pageItems} ids at a time.`, { limit: pageItems });
        const found = await load(ids.filter(({ typename }) => NODE_TYPES.has(typename)));
        return ids.map(({ typename }) => (NODE_TYPES.has(typename) ? found.shift() : null));
      },
      description:
        'The objects with these ids, at most 1,000, in the order asked for; null in the place of one that does not exist.',
      args: { ids: { description: 'Each an `id` as some object gave it.' } },
    },
    pageInfoTypeOptions: { description: 'Whether a list goes on, and where.' },
    hasNextPageFieldOptions: { description: 'True when there are more items after this page.' },
    hasPreviousPageFieldOptions: { description: 'True when this page was asked for with `after`.' },
    startCursorFieldOptions: { description: 'The cursor of the first item; null on an empty page.' },
    endCursorFieldOptions: {
      description: 'The cursor of the last item: send it as `after` for the next page; null on an empty page.',
    },
    cursorFieldOptions: { description: `Where this item stands in the list. ${OPAQUE}` },
    nodeFieldOptions: { description: 'The item.' },
    edgesFieldOptions: { description: 'The items of this page with their cursors.' },
    pageInfoFieldOptions: { description: 'Whether the list goes on, and where.' },
  },
});

builder.queryType({ description: 'All that can be read. Everything else hangs on the types that these return.' });
builder.mutationType({
  description: 'All that can be changed: verb and noun. Each returns what it changed, in one commit with its entry in the log.',
});
builder.subscriptionType({ description: 'What can be followed. Served as server-sent events at `/graphql/stream`.' });

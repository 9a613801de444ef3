import type { Crawler } from '../src/crawl/crawler.ts';
import { objectTree } from './object-tree.ts';
import { coversObject, crawlObjects, objectScope, parseObjectOptions, peekObjects, type ObjectOptions } from './objects.ts';

/** What sources of objects differ in. */
export interface ObjectKind {
  readonly kind: string;
  /** A definition's URL in the one spelling that its scope is named by. Throws BAD_INPUT for another source's. */
  checkUrl(url: string): string;
  /** The same for a URL that may be any source's: undefined where it is another's. */
  fromUrl(url: URL): string | undefined;
}

/** The crawler of a source of objects. */
export function objectCrawler({ kind, checkUrl, fromUrl }: ObjectKind): Crawler<ObjectOptions> {
  return {
    kind,
    parse: (raw) => parseObjectOptions(raw, checkUrl),
    fromUrl(any) {
      const url = fromUrl(any);
      return url === undefined ? undefined : { options: { url } };
    },
    scope: objectScope,
    covers: coversObject,
    async *crawl(options, context) {
      yield* crawlObjects(await context.connections.objectStore(options.url, context.connection), options, context);
    },
    async peek(options, context, folder, fits) {
      const store = await context.connections.objectStore(options.url, context.connection);
      return peekObjects(store, options, context, { folder, fits });
    },
    tree: objectTree,
  };
}

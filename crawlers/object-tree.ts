import type { ListOptions } from '../src/connections/object-store.ts';
import type { SourceTree } from '../src/crawl/crawler.ts';
import { listing, type ObjectOptions } from './objects.ts';

/** Folders and buckets as trees. */
export const objectTree: SourceTree<ObjectOptions> = {
  root: ({ url }) => (url.endsWith('/') ? url : `${url}/`),
  async folders(options, context, folder) {
    const store = await context.connections.objectStore(options.url, context.connection);
    const found: string[] = [];
    // What cannot be read there is no folder that could be told of.
    const onUnknown: ListOptions['onUnknown'] = (_path, error) => context.log('warn', error.message);
    const pages = store.pages(options.url, {
      ...listing(options, context),
      folder,
      onUnknown,
      onFolder: (path) => found.push(path),
    });
    for await (const _ of pages) context.signal.throwIfAborted();
    return found;
  },
};

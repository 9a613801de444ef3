import { parseAddress, fileAddress } from '../src/connections/address.ts';
import type { Crawler } from '../src/crawl/crawler.ts';
import { TenonError } from '../src/model/errors.ts';
import { objectTree } from './object-tree.ts';
import { coversObject, crawlObjects, objectScope, parseObjectOptions, peekObjects, type ObjectOptions } from './objects.ts';

/** Folders: `file:///data/lake`. */
export const fileCrawler: Crawler<ObjectOptions> = {
  kind: 'file',
  parse: (raw) => parseObjectOptions(raw, checkUrl),
  fromUrl: (url) => (url.protocol === 'file:' ? { options: { url: checkUrl(url.href) } } : undefined),
  scope: objectScope,
  covers: coversObject,
  async *crawl(options, context) {
    yield* crawlObjects(await context.connections.objectStore(options.url, context.connection), options, context);
  },
  async peek(options, context, folder, fits) {
    return peekObjects(await context.connections.objectStore(options.url, context.connection), options, context, {
      folder,
      fits,
    });
  },
  tree: objectTree,
};

/** One spelling for one folder, so that its scope stays the same with a slash at the end and without. */
function checkUrl(url: string): string {
  const address = parseAddress(url);
  if (address.scheme !== 'file') throw new TenonError('BAD_INPUT', 'The URL of a file crawler begins with file:///.');
  return fileAddress(address.file.replace(/(?<=.)\/+$/, ''));
}

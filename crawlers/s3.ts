import { parseAddress, s3Address, s3AddressOfUrl } from '../src/connections/address.ts';
import type { Crawler } from '../src/crawl/crawler.ts';
import { TenonError } from '../src/model/errors.ts';
import { objectTree } from './object-tree.ts';
import { coversObject, crawlObjects, objectScope, parseObjectOptions, peekObjects, type ObjectOptions } from './objects.ts';

/** Buckets: `s3://bucket/folder`. */
export const s3Crawler: Crawler<ObjectOptions> = {
  kind: 's3',
  parse: (raw) => parseObjectOptions(raw, checkUrl),
  fromUrl: (url) => (/^s3[an]?:$/.test(url.protocol) ? { options: { url: checkUrl(s3AddressOfUrl(url)) } } : undefined),
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

/** `s3://bucket/folder` and `s3://bucket/folder/` are one scope: the one without the slash at its end. */
function checkUrl(url: string): string {
  const address = parseAddress(url);
  if (address.scheme !== 's3') throw new TenonError('BAD_INPUT', 'The URL of an S3 crawler begins with s3://.');
  return s3Address(address.bucket, address.key.replace(/(?<=[^/])\/$/, ''));
}

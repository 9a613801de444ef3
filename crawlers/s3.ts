import { parseAddress, s3Address, s3AddressOfUrl } from '../src/connections/address.ts';
import { TenonError } from '../src/model/errors.ts';
import { objectCrawler } from './object-crawler.ts';

/** Buckets: `s3://bucket/folder`. */
export const s3Crawler = objectCrawler({
  kind: 's3',
  checkUrl,
  fromUrl: (url) => (/^s3[an]?:$/.test(url.protocol) ? checkUrl(s3AddressOfUrl(url)) : undefined),
});

/** `s3://bucket/folder` and `s3://bucket/folder/` are one scope: the one without the slash at its end. */
function checkUrl(url: string): string {
  const address = parseAddress(url);
  if (address.scheme !== 's3') throw new TenonError('BAD_INPUT', 'The URL of an S3 crawler begins with s3://.');
  return s3Address(address.bucket, address.key.replace(/(?<=[^/])\/$/, ''));
}

import { BadAnswer } from './s3-body.ts';
import { readEntries, type ListedKey } from './s3-entries.ts';
import { decodeKey, unescape } from './s3-text.ts';

/** One page of ListObjectsV2, as far as it is used. */
export interface ListPage {
  readonly objects: readonly ListedKey[];
  /** Where a delimiter was asked for: what keys begin with, up to it. */
  readonly prefixes: readonly string[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

const END = '</ListBucketResult>';
const FIRST = '<Contents>';
const LAST = '</Contents>';

/**
 * Reads a page by looking for its tags instead of building a tree, which is what a listing of a million keys spends its time
 * in. A page that is cut, that says less than it holds, or that does not know whether more follows is a BadAnswer: none of
 * these may ever be taken for the end of a listing.
 */
export function readListPage(bytes: Buffer, bucket: string): ListPage {
  const { entries, rest } = split(bytes);
  if (!rest.trimEnd().endsWith(END)) throw new BadAnswer('TruncatedPage', 'The page of the listing breaks off.');
  const encoded = tag(rest, 'EncodingType') === 'url';
  const objects = readEntries(entries, bucket, encoded);
  const prefixes = readPrefixes(rest, encoded);
  checkCount(rest, objects.length + prefixes.length);
  return { objects, prefixes, next: nextToken(rest) };
}

function split(bytes: Buffer): { entries: Buffer; rest: string } {
  const start = bytes.indexOf(FIRST);
  if (start < 0) return { entries: bytes.subarray(0, 0), rest: bytes.toString() };
  const end = bytes.lastIndexOf(LAST) + LAST.length;
  if (end < start) throw new BadAnswer('TruncatedPage', 'An entry of the listing breaks off.');
  return { entries: bytes.subarray(start, end), rest: bytes.toString('utf8', 0, start) + bytes.toString('utf8', end) };
}

function readPrefixes(rest: string, encoded: boolean): string[] {
  return rest
    .split('<CommonPrefixes>')
    .slice(1)
    .flatMap((one) => {
      // A page may keep its prefixes together or each by itself.
      const end = one.indexOf('</CommonPrefixes>');
      if (end < 0) throw new BadAnswer('TruncatedPage', 'An entry of the listing breaks off.');
      return one.slice(0, end).split('</Prefix>').slice(0, -1);
    })
    .map((raw) => {
      const prefix = unescape(raw.slice(raw.indexOf('<Prefix>') + '<Prefix>'.length));
      return encoded ? decodeKey(prefix) : prefix;
    });
}

function checkCount(rest: string, listed: number): void {
  const count = tag(rest, 'KeyCount');
  if (count !== undefined && Number(count) !== listed) {
    throw new BadAnswer('BadPage', `The page of the listing says that it has ${count.slice(0, 20)} keys, but has ${listed}.`);
  }
}

function nextToken(rest: string): string | undefined {
  const truncated = tag(rest, 'IsTruncated');
  const token = tag(rest, 'NextContinuationToken');
  if (truncated === 'false') return undefined;
  if (truncated !== 'true' || token === undefined || token === '') {
    throw new BadAnswer('BadPage', 'The page of the listing does not say how the listing goes on.');
  }
  return token;
}

function tag(text: string, name: string): string | undefined {
  const raw = rawTag(text, name);
  return raw === undefined ? undefined : unescape(raw);
}

function rawTag(text: string, name: string): string | undefined {
  const start = text.indexOf(`<${name}>`);
  if (start < 0) return text.includes(`<${name}/>`) ? '' : undefined;
  const end = text.indexOf(`</${name}>`, start);
  if (end < 0) throw new BadAnswer('TruncatedPage', `The page of the listing breaks off in ${name}.`);
  return text.slice(start + name.length + 2, end);
}

import { BadAnswer } from './s3-body.ts';

/** One page of ListObjectsV2, as far as it is used. */
export interface ListPage {
  readonly objects: readonly ListedKey[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

export interface ListedKey {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly modified: Date;
}

const END = '</ListBucketResult>';

/**
 * Reads a page by looking for its tags instead of building a tree, five to ten times as fast as the SDK's parser, which is
 * what a listing of a million keys spends its time in. A page that is cut, that says less than it holds, or that does not
 * know whether more follows is a BadAnswer: none of these may ever be taken for the end of a listing.
 */
export function readListPage(bytes: Buffer): ListPage {
  const text = bytes.toString('utf8').trimEnd();
  if (!text.endsWith(END)) throw new BadAnswer('TruncatedPage', 'The page of the listing breaks off.');
  const start = text.indexOf('<Contents>');
  const rest = start < 0 ? text : text.slice(0, start) + text.slice(text.lastIndexOf('</Contents>'));
  const encoded = tag(rest, 'EncodingType') === 'url';
  const objects = start < 0 ? [] : readObjects(text, start, encoded);
  checkCount(rest, objects.length);
  return { objects, next: nextToken(rest) };
}

function readObjects(text: string, start: number, encoded: boolean): ListedKey[] {
  const objects: ListedKey[] = [];
  for (let from = start; from >= 0;) {
    const end = text.indexOf('</Contents>', from);
    if (end < 0) throw new BadAnswer('TruncatedPage', 'An entry of the listing breaks off.');
    objects.push(readObject(text.slice(from, end), encoded));
    from = text.indexOf('<Contents>', end);
  }
  return objects;
}

function readObject(entry: string, encoded: boolean): ListedKey {
  const key = tag(entry, 'Key');
  const size = Number(tag(entry, 'Size') ?? Number.NaN);
  const modified = new Date(tag(entry, 'LastModified') ?? Number.NaN);
  const etag = rawTag(entry, 'ETag')?.replace(/^(?:&quot;|&#34;|")|(?:&quot;|&#34;|")$/g, '');
  if (key === undefined || etag === undefined || !Number.isSafeInteger(size) || size < 0 || Number.isNaN(modified.getTime())) {
    throw new BadAnswer('BadPage', 'An entry of the listing lacks its key, size, etag or time.');
  }
  return { key: encoded ? decodeKey(key) : key, size, etag, modified };
}

function decodeKey(encoded: string): string {
  if (!encoded.includes('%') && !encoded.includes('+')) return encoded;
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    throw new BadAnswer('BadPage', 'A key of the listing is not valid UTF-8.');
  }
}

function checkCount(rest: string, listed: number): void {
  const count = tag(rest, 'KeyCount');
  const prefixes = rest.split('<CommonPrefixes>').length - 1;
  if (count !== undefined && Number(count) !== listed + prefixes) {
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

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,4});/gi, (whole, entity: string) => {
    if (!entity.startsWith('#')) return ENTITIES[entity] ?? whole;
    const code = entity[1]?.toLowerCase() === 'x' ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

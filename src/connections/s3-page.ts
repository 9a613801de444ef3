import { isAscii } from 'node:buffer';
import { BadAnswer } from './s3-body.ts';

/** One page of ListObjectsV2, as far as it is used. */
export interface ListPage {
  readonly objects: readonly ListedKey[];
  /** Where a delimiter was asked for: what keys begin with, up to it. */
  readonly prefixes: readonly string[];
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
}

export interface ListedKey {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

const END = '</ListBucketResult>';

/**
 * Reads a page by looking for its tags instead of building a tree, five to ten times as fast as the SDK's parser, which is
 * what a listing of a million keys spends its time in. A page that is cut, that says less than it holds, or that does not
 * know whether more follows is a BadAnswer: none of these may ever be taken for the end of a listing.
 */
export function readListPage(bytes: Buffer): ListPage {
  const plain = isAscii(bytes);
  const text = bytes.toString(plain ? 'latin1' : 'utf8').trimEnd();
  if (!text.endsWith(END)) throw new BadAnswer('TruncatedPage', 'The page of the listing breaks off.');
  const start = text.indexOf('<Contents>');
  const rest = start < 0 ? text : text.slice(0, start) + text.slice(text.lastIndexOf('</Contents>'));
  const encoded = tag(rest, 'EncodingType') === 'url';
  const objects = start < 0 ? [] : readObjects(text, start, encoded, plain && encoded ? bytes : undefined);
  const prefixes = readPrefixes(rest, encoded);
  checkCount(rest, objects.length + prefixes.length);
  return { objects, prefixes, next: nextToken(rest) };
}

function readObjects(text: string, start: number, encoded: boolean, bytes: Buffer | undefined): ListedKey[] {
  const objects: ListedKey[] = [];
  let asUsual = bytes;
  for (let from = start; from >= 0;) {
    const end = text.indexOf('</Contents>', from);
    if (end < 0) throw new BadAnswer('TruncatedPage', 'An entry of the listing breaks off.');
    const usual = asUsual && readUsual(asUsual, text, from, end);
    // Once is enough: to look for a tag that no entry has goes through all of the page each time.
    if (usual === undefined) asUsual = undefined;
    objects.push(usual ?? readObject(text.slice(from, end), encoded));
    from = text.indexOf('<Contents>', end);
  }
  return objects;
}

/**
 * An entry as AWS and most others write it, without a copy of it. Undefined: it has to be looked at closely. What is kept
 * comes from the bytes: a part of the text would keep all of the page alive for as long as somebody has the key.
 */
function readUsual(bytes: Buffer, text: string, from: number, end: number): ListedKey | undefined {
  const key = text.indexOf('<Key>', from) + 5;
  const keyEnd = text.indexOf('</Key>', key);
  const etag = text.indexOf('<ETag>&quot;', from) + 12;
  const etagEnd = text.indexOf('&quot;</ETag>', etag);
  const size = text.indexOf('<Size>', from) + 6;
  const sizeEnd = text.indexOf('</Size>', size);
  const time = text.indexOf('<LastModified>', from) + 14;
  if (key < from + 5 || etag < from + 12 || size < from + 6 || time < from + 14 || time > end) return undefined;
  if (keyEnd < key || etagEnd < etag || sizeEnd < size || keyEnd > end || etagEnd > end || sizeEnd > end) return undefined;
  const found = decodeKey(bytes.toString('latin1', key, keyEnd));
  const modified = usualTime(text, time);
  const length = usualNumber(text, size, sizeEnd);
  if (modified === undefined || length === undefined || found.includes('&')) return undefined;
  return { key: found, size: length, etag: bytes.toString('latin1', etag, etagEnd), modified };
}

function usualNumber(text: string, from: number, end: number): number | undefined {
  if (end - from > 15 || end === from) return undefined;
  let value = 0;
  for (let i = from; i < end; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

/** `2026-11-20T12:00:00.000Z` or without the milliseconds. The days of a listing repeat, so each is read once. */
function usualTime(text: string, from: number): number | undefined {
  const day = dayOf(text.slice(from, from + 11));
  const [hour, minute, second] = [two(text, from + 11), two(text, from + 14), two(text, from + 17)];
  if (day === undefined || !(hour < 24) || !(minute < 60) || !(second < 60)) return undefined;
  if (text[from + 13] !== ':' || text[from + 16] !== ':') return undefined;
  const time = day + ((hour * 60 + minute) * 60 + second) * 1000;
  if (text.startsWith('Z<', from + 19)) return time;
  const ms = usualNumber(text, from + 20, from + 23);
  return text[from + 19] === '.' && text.startsWith('Z<', from + 23) && ms !== undefined ? time + ms : undefined;
}

function two(text: string, at: number): number {
  return usualNumber(text, at, at + 2) ?? Number.NaN;
}

const lastDay = { text: '', time: 0 };

function dayOf(text: string): number | undefined {
  if (text === lastDay.text) return lastDay.time;
  const time = /^\d{4}-\d\d-\d\dT$/.test(text) ? Date.parse(`${text}00:00:00Z`) : Number.NaN;
  if (Number.isNaN(time)) return undefined;
  Object.assign(lastDay, { text, time });
  return time;
}

function readObject(entry: string, encoded: boolean): ListedKey {
  const key = tag(entry, 'Key');
  const size = Number(tag(entry, 'Size') ?? Number.NaN);
  const modified = Date.parse(tag(entry, 'LastModified') ?? '');
  const etag = rawTag(entry, 'ETag')?.replace(/^(?:&quot;|&#34;|")|(?:&quot;|&#34;|")$/g, '');
  if (key === undefined || etag === undefined || !Number.isSafeInteger(size) || size < 0 || Number.isNaN(modified)) {
    throw new BadAnswer('BadPage', 'An entry of the listing lacks its key, size, etag or time.');
  }
  return { key: encoded ? decodeKey(key) : key, size, etag, modified };
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

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,4});/gi, (whole, entity: string) => {
    if (!entity.startsWith('#')) return ENTITIES[entity] ?? whole;
    const code = entity[1]?.toLowerCase() === 'x' ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

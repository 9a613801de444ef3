import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TenonError } from '../model/errors.ts';

/**
 * How addresses are written. One rule for each scheme, and both go there and back exactly:
 *
 * - `file:///dir/a%20b`: a file URL. Percent-encoded is all but letters, digits and `-_.!~*'()=+,:@&$;`.
 * - `s3://bucket/a b`: the key as it is, nothing encoded. So Spark, Athena and the AWS command line write it, and so a
 *   Hive folder `dt=2026-01-01 00%3A00` keeps its own percent signs. All after the third slash is the key.
 *
 * Never glue an address together by hand: `joinAddress` knows the rule.
 */
export type Address =
  | { readonly scheme: 'file'; readonly file: string }
  | { readonly scheme: 's3'; readonly bucket: string; readonly key: string };

/** Reads an address. Throws BAD_INPUT when it is none. */
export function parseAddress(address: string): Address {
  const s3 = /^s3[an]?:\/\/([^/]+)(?:\/([^]*))?$/i.exec(address);
  if (s3 !== null) return { scheme: 's3', bucket: checkBucket(s3[1] ?? '', address), key: s3[2] ?? '' };
  if (/^file:/i.test(address)) return { scheme: 'file', file: filePath(address) };
  throw badAddress(address, 'is neither file:///… nor s3://bucket/…');
}

/** Not Node's `pathToFileURL`, which loses a space or a control character at the end of a name. */
export function fileAddress(file: string): string {
  try {
    return `file://${encodeURIComponent(resolve(file)).replaceAll(LEFT_AS_IT_IS, decodeURIComponent)}`;
  } catch {
    throw badAddress(JSON.stringify(file), 'is not valid Unicode');
  }
}

const LEFT_AS_IT_IS = /%(?:2F|3D|2B|2C|3A|40|26|24|3B)/g;

export function s3Address(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}

/** The address of a path (as it is, not encoded; `/` between folders) below another address. */
export function joinAddress(address: string, path: string): string {
  const parsed = parseAddress(address);
  if (parsed.scheme === 's3')
    return s3Address(parsed.bucket, parsed.key === '' || parsed.key.endsWith('/') ? parsed.key + path : `${parsed.key}/${path}`);
  if (path.split('/').some((name) => name === '.' || name === '..')) throw badAddress(path, 'would leave its folder');
  return fileAddress(`${parsed.file.replace(/\/+$/, '')}/${path}`);
}

/** The last name of an address: `part-0.csv`. */
export function lastName(address: string): string {
  const parsed = parseAddress(address);
  const path = parsed.scheme === 's3' ? parsed.key : parsed.file;
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The address that a person meant with `s3://bucket/some key`, which a URL parser has percent-encoded. Undoes that for
 * the characters that it encodes and that Hive's folder names do not, so that `%3A` in a key stays as it is.
 */
export function s3AddressOfUrl(url: URL): string {
  const raw = `${url.pathname}${url.search}${url.hash}`.replace(/%(20|3C|3E|60)/gi, (encoded) => decodeURIComponent(encoded));
  const key = raw.replace(/(?:%[89A-F][0-9A-F])+/gi, (encoded) => decodeOr(encoded));
  return s3Address(url.host, key.slice(1));
}

function decodeOr(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function filePath(address: string): string {
  let file: string;
  try {
    file = fileURLToPath(address);
  } catch (error) {
    throw badAddress(address, error instanceof Error ? `cannot be read: ${error.message}` : 'cannot be read');
  }
  if (file.includes('\0')) throw badAddress(address, 'has a null character');
  return file;
}

/** Bucket names end up in host names, so nothing but what they may hold gets through. */
function checkBucket(bucket: string, address: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) throw badAddress(address, 'has no valid bucket name');
  return bucket;
}

function badAddress(address: string, why: string): TenonError {
  const shown = address.slice(0, 200);
  return new TenonError('BAD_INPUT', `The address «${shown}» ${why}.`, { address: shown });
}

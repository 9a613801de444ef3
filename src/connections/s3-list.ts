import { TenonError } from '../model/errors.ts';
import { lastName, parseAddress, s3Address } from './address.ts';
import { compareBytes } from './byte-order.ts';
import { folderLength } from './folder-length.ts';
import type { ListOptions, StoredObject } from './object-store.ts';
import { pagesAhead, type GetPage } from './s3-ahead.ts';
import { bytesForNow } from './s3-body.ts';
import { get, type S3Session } from './s3-get.ts';
import type { ListedKey } from './s3-entries.ts';
import { readListPage, type ListPage } from './s3-page.ts';

/** For the SDK, which wants something to parse. */
const NOTHING = Buffer.from('<ListBucketResult></ListBucketResult>');

interface Listing {
  readonly session: S3Session;
  readonly bucket: string;
  /** All keys begin with it. */
  readonly prefix: string;
  /** Paths are what follows it. */
  readonly root: string;
  readonly options: ListOptions;
}

/** S3 may answer with pages that hold nothing yet go on (many deleted keys); more than this in a row is a loop. */
const EMPTY_PAGES = 1_000;

/**
 * The objects at or below an address. `s3://b/sales` stands for the key `sales` and for what is below `sales/`, not for
 * `sales2/…`. The empty objects with a `/` at their end that consoles make for folders are left out.
 */
export async function* listObjects(
  session: S3Session,
  address: string,
  options: ListOptions,
): AsyncGenerator<readonly StoredObject[]> {
  const { bucket, key } = bucketAndKey(address);
  if (key !== '' && !key.endsWith('/') && options.folder === undefined) {
    const single = await findExact({ session, bucket, prefix: key, root: key, options }, key);
    if (single !== undefined && (options.after === undefined || compareBytes(lastName(address), options.after) > 0)) {
      yield [storedObject(single, lastName(address))];
    }
  }
  const root = key === '' || key.endsWith('/') ? key : `${key}/`;
  const prefix = root + (options.folder ?? '');
  const isLeftOut = leftOut(options);
  for await (const page of listPages({ session, bucket, prefix, root, options })) {
    options.signal?.throwIfAborted();
    const objects: StoredObject[] = [];
    for (const folder of page.prefixes) {
      const path = folder.slice(root.length);
      if (!isLeftOut(path)) options.onFolder?.(path);
    }
    for (const found of page.objects) {
      const path = found.key.slice(root.length);
      if ((found.size > 0 || !found.key.endsWith('/')) && !isLeftOut(path)) objects.push(storedObject(found, path));
    }
    if (objects.length > 0) yield objects;
  }
  options.signal?.throwIfAborted();
}

export function bucketAndKey(address: string): { bucket: string; key: string } {
  const parsed = parseAddress(address);
  if (parsed.scheme !== 's3') throw new TenonError('BAD_INPUT', `«${address.slice(0, 200)}» is no S3 address.`);
  if (parsed.bucket.endsWith('--x-s3')) {
    throw new TenonError(
      'UNSUPPORTED',
      `«${parsed.bucket}» is a directory bucket; these list their keys in no order and are not supported.`,
    );
  }
  return parsed;
}

function storedObject({ address, size, etag, modified }: ListedKey, path: string): StoredObject {
  return { address, path, size, etag, modified };
}

/** Folders are asked about once for all that lies in them: keys come in order. */
function leftOut({ skip }: ListOptions): (path: string) => boolean {
  if (skip === undefined) return () => false;
  let folder = '';
  let isSkipped = false;
  return (path) => {
    const end = folderLength(path);
    if (end !== folder.length || !path.startsWith(folder)) {
      folder = path.slice(0, end);
      isSkipped = false;
      for (let slash = path.indexOf('/'); slash >= 0 && !isSkipped; slash = path.indexOf('/', slash + 1)) {
        isSkipped = skip(path.slice(0, slash + 1));
      }
    }
    return isSkipped || skip(path);
  };
}

async function findExact(listing: Listing, key: string): Promise<ListedKey | undefined> {
  const page = await getPage(listing, { MaxKeys: 1 });
  return page.objects.find((object) => object.key === key);
}

/** Whole pages, because a generator that waits for every single key takes as long as all the rest. */
async function* listPages(listing: Listing): AsyncGenerator<ListPage> {
  const { bucket, prefix, root, options } = listing;
  const after = options.after === undefined ? undefined : root + options.after;
  const first = s3Address(bucket, prefix);
  // Whole addresses, which compare as the keys do, because keys are only parts of them.
  let last = after === undefined ? undefined : s3Address(bucket, after);
  let empty = 0;
  const check = (page: ListPage): void => {
    for (const { address } of page.objects) {
      checkOrder(listing, first, last, address);
      last = address;
    }
    empty = isEmpty(page) ? empty + 1 : 0;
    if (empty > EMPTY_PAGES) throw badListing(listing, 'the listing goes round in circles');
  };
  const ask: GetPage = async (from) => {
    const page = await getPage(listing, from);
    if (page.next === undefined || page.next !== from.ContinuationToken) return page;
    throw badListing(listing, 'the listing goes round in circles');
  };
  // With folders nothing is guessed: they are not among the keys.
  const slowMs = options.onFolder === undefined ? undefined : Number.POSITIVE_INFINITY;
  for await (const page of pagesAhead(ask, after, check, slowMs)) {
    if (!isEmpty(page)) yield page;
  }
}

function isEmpty({ objects, prefixes }: ListPage): boolean {
  return objects.length + prefixes.length === 0;
}

/** A key out of order, or twice, means that keys may be missing elsewhere: nothing may be concluded from such a listing. */
function checkOrder(listing: Listing, first: string, last: string | undefined, address: string): void {
  if (!address.startsWith(first)) throw badListing(listing, 'the listing has a key that was not asked for');
  if (last !== undefined && compareBytes(address, last) <= 0)
    throw badListing(listing, 'the keys of the listing are not in order');
}

function badListing({ bucket }: Listing, why: string): TenonError {
  return new TenonError('SOURCE_UNAVAILABLE', `ListObjectsV2 on the bucket «${bucket}» failed: ${why}.`, {
    bucket,
    operation: 'ListObjectsV2',
  });
}

async function getPage(
  listing: Listing,
  from: { StartAfter?: string | undefined; ContinuationToken?: string; MaxKeys?: number },
): Promise<ListPage> {
  const { session, bucket, prefix, options } = listing;
  const isOfFolders = options.onFolder !== undefined && from.MaxKeys === undefined;
  let page: ListPage | undefined;
  options.onRequest?.();
  await get(session, {
    request: { operation: 'ListObjectsV2', bucket, signal: options.signal },
    query: {
      'list-type': '2',
      'encoding-type': 'url',
      prefix,
      ...(isOfFolders && { delimiter: '/' }),
      ...(from.StartAfter !== undefined && { 'start-after': from.StartAfter }),
      ...(from.ContinuationToken !== undefined && { 'continuation-token': from.ContinuationToken }),
      ...(from.MaxKeys !== undefined && { 'max-keys': String(from.MaxKeys) }),
    },
    max: session.limits.pageBytes,
    command: async () => {
      const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
      const delimiter = isOfFolders ? { Delimiter: '/' } : {};
      return new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, EncodingType: 'url', ...delimiter, ...from });
    },
    take: (answer) => {
      page = readListPage(bytesForNow(answer), bucket);
      return NOTHING;
    },
  });
  if (page === undefined) throw badListing(listing, 'there was no answer');
  return page;
}

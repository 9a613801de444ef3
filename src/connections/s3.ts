import { Readable } from 'node:stream';
import type { HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { TenonError } from '../model/errors.ts';
import { lastName } from './address.ts';
import type { S3Options } from './connections.ts';
import { CONNECTION_LIMITS } from '../config.ts';
import type { ConnectionLimits } from './limits.ts';
import { eachObject, type ObjectStore, type ReadOptions, type StoredObject } from './object-store.ts';
import { BadAnswer, bytesOf } from './s3-body.ts';
import { openS3Client } from './s3-client.ts';
import { download, getInput, sendFile } from './s3-copy.ts';
import { s3Error, statusOf } from './s3-errors.ts';
import { get, type S3Session } from './s3-get.ts';
import { bucketAndKey, listObjects } from './s3-list.ts';

export interface S3Store extends ObjectStore {
  close(): void;
}

/** Buckets of AWS or of a server that speaks as it does. The SDK is loaded with the first request. */
export function createS3Store(options: S3Options = {}, secret?: string, limits: ConnectionLimits = CONNECTION_LIMITS): S3Store {
  let opened: Promise<S3Client> | undefined;
  const client = () => (opened ??= openS3Client(options, secret, limits));
  const session: S3Session = { client, limits, routes: new Map() };
  return {
    scheme: 's3',
    list: (address, listing = {}) => eachObject(listObjects(session, address, listing)),
    pages: (address, listing = {}) => listObjects(session, address, listing),
    head: (address) => head(session, address),
    read: (address, start, end, reading = {}) => read(session, address, start, end, reading),
    download: (address, file, expected, signal) => download(session, address, file, expected.etag, signal),
    upload: (file, address, signal) => upload(session, file, address, signal),
    remove: (addresses) => remove(session, addresses),
    close() {
      void opened?.then((sdk) => sdk.destroy()).catch(() => undefined);
      opened = undefined;
      session.routes.clear();
    },
  };
}

async function head({ client }: S3Session, address: string): Promise<StoredObject | undefined> {
  const { bucket, key } = bucketAndKey(address);
  if (key === '') return undefined;
  try {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    const found = await (await client()).send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return storedObject(address, found);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw s3Error(error, { operation: 'HeadObject', bucket, key });
  }
}

function storedObject(address: string, found: HeadObjectCommandOutput): StoredObject {
  if (found.ContentLength === undefined || found.ETag === undefined || found.LastModified === undefined) {
    throw new TenonError('SOURCE_UNAVAILABLE', `The server did not tell the size, etag and time of «${address.slice(0, 300)}».`);
  }
  const etag = found.ETag.replaceAll('"', '');
  return { address, path: lastName(address), size: found.ContentLength, etag, modified: found.LastModified.getTime() };
}

async function read(session: S3Session, address: string, start: number, end: number, options: ReadOptions): Promise<Uint8Array> {
  const { bucket, key } = bucketAndKey(address);
  if (end <= start) return new Uint8Array(0);
  const range = `bytes=${start}-${end - 1}`;
  const etag = options.expected?.etag;
  let bytes: Uint8Array = new Uint8Array(0);
  try {
    await get(session, {
      request: { operation: 'GetObject', bucket, key, signal: options.signal },
      headers: { range, ...(etag !== undefined && { 'if-match': `"${etag}"` }) },
      max: end - start,
      command: async () => {
        const { GetObjectCommand } = await import('@aws-sdk/client-s3');
        return new GetObjectCommand(getInput(bucket, key, etag, range));
      },
      take: (answer) => {
        bytes = bytesOf(answer);
        checkRange(answer.headers['content-range'], start, end, bytes.length);
        return Readable.from([bytes]);
      },
    });
  } catch (error) {
    if (error instanceof TenonError && error.details['status'] === 416) return new Uint8Array(0);
    throw error;
  }
  return bytes;
}

/** `bytes 0-99/1234`: fewer bytes than asked for are right only where the object ends. */
function checkRange(range: string | undefined, start: number, end: number, length: number): void {
  const [, from, to, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range ?? '') ?? [];
  const expected = Math.min(end, Number(total)) - start;
  if (Number(from) !== start || Number(to) !== start + length - 1 || length !== expected) {
    throw new BadAnswer('WrongRange', `The answer has other bytes than those asked for: ${range?.slice(0, 60) ?? 'no range'}.`);
  }
}

const KEYS_A_REQUEST = 1_000;

async function upload(session: S3Session, file: string, address: string, signal?: AbortSignal): Promise<StoredObject> {
  const size = await sendFile(session, file, { operation: 'PutObject', ...bucketAndKey(address), signal });
  const found = await head(session, address);
  if (found?.size === size) return found;
  throw new TenonError(
    'SOURCE_UNAVAILABLE',
    `«${address.slice(0, 300)}» has ${found?.size ?? 0} bytes after an upload of ${size}.`,
  );
}

async function remove({ client }: S3Session, addresses: readonly string[]): Promise<void> {
  const { DeleteObjectsCommand } = await import('@aws-sdk/client-s3');
  const buckets = new Map<string, { Key: string }[]>();
  for (const { bucket, key } of addresses.map(bucketAndKey)) {
    const keys = buckets.get(bucket) ?? [];
    keys.push({ Key: key });
    buckets.set(bucket, keys);
  }
  for (const [bucket, all] of buckets) {
    for (let at = 0; at < all.length; at += KEYS_A_REQUEST) {
      const keys = all.slice(at, at + KEYS_A_REQUEST);
      try {
        const { Errors = [] } = await (
          await client()
        ).send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys, Quiet: true } }));
        const failed = Errors.find(({ Code }) => Code !== 'NoSuchKey');
        if (failed !== undefined) throw new BadAnswer(failed.Code ?? 'unknown error', 'Some objects were not removed.');
      } catch (error) {
        throw s3Error(error, { operation: 'DeleteObjects', bucket });
      }
    }
  }
}

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { GetObjectCommandInput } from '@aws-sdk/client-s3';
import { fileError } from './file-errors.ts';
import { BadAnswer, unlessIdle, type Body } from './s3-body.ts';
import { s3Error, statusOf, type S3Request } from './s3-errors.ts';
import type { S3Session } from './s3-get.ts';
import { bucketAndKey } from './s3-list.ts';

const MIN_PART_BYTES = 8 * 1024 * 1024;
/** S3 takes 10,000; some are left for a file that grows. */
const MAX_PARTS = 9_000;

export function getInput(
  bucket: string,
  key: string,
  etag: string | undefined,
  range: string | undefined,
): GetObjectCommandInput {
  return {
    Bucket: bucket,
    Key: key,
    ...(etag !== undefined && { IfMatch: `"${etag}"` }),
    ...(range !== undefined && { Range: range }),
  };
}

/** Into a file beside the target, renamed when whole. A body that breaks off goes on where it broke, while the etag is the same. */
export async function download(
  session: S3Session,
  address: string,
  file: string,
  etag: string,
  signal?: AbortSignal,
): Promise<void> {
  const request: S3Request = { operation: 'GetObject', ...bucketAndKey(address), signal };
  const temporary = `${file}.${randomUUID()}.part`;
  try {
    const handle = await open(temporary, 'wx').catch((error: unknown) => Promise.reject(fileError(error, temporary)));
    try {
      await receive(session, request, etag, handle);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw s3Error(error, request);
  }
}

/** Asks for a range even of the whole, because only then does the answer say how much there is in all. */
async function receive(session: S3Session, request: S3Request, etag: string, handle: FileHandle): Promise<void> {
  for (let written = 0, attempt = 1; ; attempt += 1) {
    const { body, total } = await ask(session, request, etag, written);
    try {
      for await (const chunk of unlessIdle(body, session.limits.requestTimeoutMs)) {
        request.signal?.throwIfAborted();
        await handle.writeFile(chunk);
        written += chunk.length;
      }
      if (written === total) return;
      throw new BadAnswer('TruncatedBody', `The answer ended after ${written} of ${total} bytes.`);
    } catch (error) {
      if (!(error instanceof BadAnswer) || attempt >= session.limits.attempts || written > total) throw error;
      await pause(2 ** attempt * 50 * Math.random());
    }
  }
}

async function ask(session: S3Session, request: S3Request, etag: string, from: number): Promise<{ body: Body; total: number }> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  const command = new GetObjectCommand(getInput(request.bucket, request.key ?? '', etag, `bytes=${from}-`));
  const client = await session.client();
  try {
    const answer = await client.send(command, { ...(request.signal !== undefined && { abortSignal: request.signal }) });
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.ContentRange ?? '') ?? [];
    if (Number(start) !== from || answer.Body === undefined)
      throw new BadAnswer('WrongRange', 'The answer has other bytes than those asked for.');
    return { body: answer.Body as Body, total: Number(total) };
  } catch (error) {
    if (statusOf(error) === 416 && from === 0) return { body: Readable.from([]), total: 0 };
    throw error;
  }
}

/** In parts; what was sent becomes visible with the last of them, so that nobody sees half an object. Returns how many bytes. */
export async function sendFile({ client }: S3Session, file: string, request: S3Request): Promise<number> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  const { size } = await stat(file).catch((error: unknown) => Promise.reject(fileError(error, file)));
  const body = createReadStream(file);
  try {
    request.signal?.throwIfAborted();
    const partSize = Math.max(MIN_PART_BYTES, Math.ceil(size / MAX_PARTS));
    const params = { Bucket: request.bucket, Key: request.key, Body: body };
    const sending = new Upload({ client: await client(), params, partSize, queueSize: 3 });
    const abort = (): void => void sending.abort();
    request.signal?.addEventListener('abort', abort, { once: true });
    await sending.done().finally(() => request.signal?.removeEventListener('abort', abort));
    return size;
  } catch (error) {
    throw s3Error(error, request);
  } finally {
    body.destroy();
  }
}

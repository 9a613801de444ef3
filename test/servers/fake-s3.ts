import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { FakeBucket } from './fake-s3-bucket.ts';
import { errorXml, listXml, tagOf } from './fake-s3-xml.ts';

/** What a request can meet. `cut-page` ends a listing between two keys, with a length that fits what was sent. */
export const FAULTS = ['timeout', 'reset', '403', '500', '503', 'cut-body', 'cut-page', 'wrong-length', 'lost-keys'] as const;
type Fault = (typeof FAULTS)[number];

interface FakeRequest {
  readonly method: string;
  readonly path: string;
}

/**
 * An S3 server of our own, for what a real one does not do: a million keys that nobody made, faults at a chosen request,
 * and a count of what was asked. It checks no signatures. What it answers when nothing is wrong is held against a real
 * server by the same contract suite.
 */
export interface FakeS3 {
  readonly url: string;
  readonly bucket: FakeBucket;
  readonly requests: FakeRequest[];
  /** Every answer waits so long. */
  latencyMs: number;
  /** The most requests that were open at the same time; whoever wants to know of a part sets it to 0 before. */
  mostAtOnce: number;
  /** Fails the requests numbered from `from` (0 is the next one after this call), `times` of them. */
  fail(fault: Fault, from: number, times?: number): void;
  close(): Promise<void>;
}

export async function startFakeS3(bucket = new FakeBucket('lake')): Promise<FakeS3> {
  const sockets = new Set<Socket>();
  let open = 0;
  const failures: { fault: Fault; from: number; until: number }[] = [];
  const server = createServer((request, response) => {
    open += 1;
    fake.mostAtOnce = Math.max(fake.mostAtOnce, open);
    response.on('close', () => (open -= 1));
    const number = fake.requests.push({ method: request.method ?? '', path: request.url ?? '' }) - 1;
    const fault = failures.find(({ from, until }) => number >= from && number < until)?.fault;
    if (fake.latencyMs === 0) void answer(bucket, request, response, fault);
    else setTimeout(() => void answer(bucket, request, response, fault), fake.latencyMs);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeS3 = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    requests: [],
    latencyMs: 0,
    mostAtOnce: 0,
    fail(fault, from, times = 1) {
      failures.splice(0);
      const first = fake.requests.length + from;
      failures.push({ fault, from: first, until: first + times });
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array | string;
}

async function answer(
  bucket: FakeBucket,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  if (fault === 'timeout') return;
  if (fault === 'reset') return void request.socket.resetAndDestroy();
  const body = await bytesOf(request);
  const status = fault === '403' || fault === '500' || fault === '503' ? Number(fault) : undefined;
  const made = status === undefined ? route(bucket, request, body) : failure(status);
  send(request, response, fault === undefined ? made : damage(made, fault), fault);
}

function failure(status: number): Answer {
  const code = status === 403 ? 'AccessDenied' : status === 503 ? 'SlowDown' : 'InternalError';
  return { status, headers: { 'content-type': 'application/xml' }, body: errorXml(code) };
}

/** A key that is lost from a page which stays well-formed shows only in the page's count. */
function damage(made: Answer, fault: Fault): Answer {
  if (typeof made.body !== 'string' || made.status !== 200) return made;
  const entries = made.body.split('</Contents>');
  const half = Math.max(1, Math.floor(entries.length / 2));
  if (fault === 'cut-page') {
    return {
      ...made,
      body: entries.length > 1 ? `${entries.slice(0, half).join('</Contents>')}</Contents>` : made.body.slice(0, 60),
    };
  }
  if (fault === 'lost-keys' && entries.length > 2) return { ...made, body: entries.toSpliced(half, 1).join('</Contents>') };
  return made;
}

function send(request: IncomingMessage, response: ServerResponse, made: Answer, fault: Fault | undefined): void {
  const bytes = Buffer.from(made.body);
  // A HEAD names the length of what it does not send; the route has set it.
  const length = made.headers['content-length'] ?? String(bytes.length);
  if (fault === 'wrong-length') {
    // Says less than it should: what follows the length belongs to nothing, and is not sent.
    const fewer = Math.max(0, bytes.length - 3);
    response.writeHead(made.status, { ...made.headers, 'content-length': fewer });
    response.end(bytes.subarray(0, fewer));
  } else if (fault === 'cut-body') {
    response.writeHead(made.status, { ...made.headers, 'content-length': length });
    response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => request.socket.destroy());
  } else {
    response.writeHead(made.status, { ...made.headers, 'content-length': length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }
}

function route(bucket: FakeBucket, request: IncomingMessage, body: Buffer): Answer {
  const url = new URL(request.url ?? '/', 'http://fake');
  const [, name = '', ...rest] = url.pathname.split('/');
  if (name !== bucket.name) return xml(404, errorXml('NoSuchBucket'));
  const key = decodeURIComponent(rest.join('/'));
  if (key === '') return request.method === 'POST' ? removeAll(bucket, body) : xml(200, listXml(bucket, url.searchParams));
  if (request.method === 'POST' || url.searchParams.has('uploadId')) return multipart(bucket, key, request, url, body);
  if (request.method === 'PUT') return { ...xml(200, ''), headers: { etag: bucket.put(key, body) } };
  if (request.method === 'DELETE') {
    bucket.remove(key);
    return { status: 204, headers: {}, body: '' };
  }
  return read(bucket, key, request);
}

function read(bucket: FakeBucket, key: string, request: IncomingMessage): Answer {
  const object = bucket.find(key);
  if (object === undefined) return xml(404, errorXml('NoSuchKey'));
  const etag = `"${object.etag}"`;
  if ((request.headers['if-match'] ?? etag) !== etag) return xml(412, errorXml('PreconditionFailed'));
  const headers = { etag, 'last-modified': object.modified.toUTCString(), 'accept-ranges': 'bytes' };
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (request.method === 'HEAD') return { status: 200, headers: { ...headers, 'content-length': String(object.size) }, body: '' };
  const bytes = bucket.bytes(object);
  if (from === undefined) return { status: 200, headers, body: bytes };
  if (Number(from) >= bytes.length) return xml(416, errorXml('InvalidRange'));
  const part = bytes.subarray(Number(from), to === '' ? undefined : Number(to) + 1);
  const range = `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`;
  return { status: 206, headers: { ...headers, 'content-range': range }, body: part };
}

function multipart(bucket: FakeBucket, key: string, request: IncomingMessage, url: URL, body: Buffer): Answer {
  const id = url.searchParams.get('uploadId');
  if (id === null)
    return xml(200, `<InitiateMultipartUploadResult><UploadId>${bucket.begin()}</UploadId></InitiateMultipartUploadResult>`);
  if (request.method === 'DELETE') {
    bucket.uploads.delete(id);
    return { status: 204, headers: {}, body: '' };
  }
  const parts = bucket.uploads.get(id);
  if (parts === undefined) return xml(404, errorXml('NoSuchUpload'));
  if (request.method === 'PUT') {
    parts.set(Number(url.searchParams.get('partNumber')), body);
    return { ...xml(200, ''), headers: { etag: `"${createHash('md5').update(body).digest('hex')}"` } };
  }
  const whole = Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, part]) => part));
  bucket.uploads.delete(id);
  return xml(200, `<CompleteMultipartUploadResult><ETag>${bucket.put(key, whole)}</ETag></CompleteMultipartUploadResult>`);
}

function removeAll(bucket: FakeBucket, body: Buffer): Answer {
  for (const [key] of tagOf(body.toString(), 'Key')) bucket.remove(key);
  return xml(200, '<DeleteResult></DeleteResult>');
}

function xml(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

/** Takes `aws-chunked` bodies apart, as the SDK sends them when it adds a checksum at the end. */
async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const raw = Buffer.from(await text(request.setEncoding('latin1')), 'latin1');
  if (!/aws-chunked/.test(request.headers['content-encoding'] ?? '')) return raw;
  const chunks: Buffer[] = [];
  for (let at = 0; at < raw.length;) {
    const line = raw.indexOf('\r\n', at);
    const size = Number.parseInt(raw.subarray(at, line).toString(), 16);
    if (!(size > 0)) break;
    chunks.push(raw.subarray(line + 2, line + 2 + size));
    at = line + 4 + size;
  }
  return Buffer.concat(chunks);
}

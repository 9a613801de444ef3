import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What may happen to a request on its way to a server that speaks JSON, and back. */
export const JSON_FAULTS = [
  'timeout',
  'denied',
  '500',
  'throttled',
  'reset',
  'truncated',
  'wrong length',
  'empty answer',
] as const;
export type JsonFault = (typeof JSON_FAULTS)[number];

export interface FaultProxy {
  readonly url: string;
  /** Requests since the last `fail`, or since the start. */
  count(): number;
  /** Of the requests from now on, the one with this number (from 0) fails. */
  fail(fault: JsonFault | undefined, number?: number): void;
  /** What such a request asks for is denied: it has both texts, in its headers and its body. */
  deny(operation: string | undefined, text?: string): void;
  close(): Promise<void>;
}

/** Stands before a DynamoDB and passes on everything but what it is told to spoil. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let fault: JsonFault | undefined;
  let at = -1;
  let count = 0;
  let denied: { operation: string; text: string } | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    void readBody(incoming).then((body) => {
      const isFaulty = count === at && fault !== undefined;
      count += 1;
      const operation = String(incoming.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
      if (denied !== undefined && operation === denied.operation && body.includes(denied.text))
        return answer(outgoing, 400, DENIED);
      return isFaulty
        ? spoil(fault ?? '500', outgoing, () => pass(target, incoming, body))
        : passOn(target, incoming, body, outgoing);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => count,
    fail(next, number = 0) {
      fault = next;
      at = number;
      count = 0;
    },
    deny(operation, text = '') {
      denied = operation === undefined ? undefined : { operation, text };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const DENIED = '{"__type":"com.amazon.coral.service#AccessDeniedException","message":"User is not authorized"}';
const THROTTLED = '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"Slow down"}';

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function passOn(target: string, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Promise<void> {
  try {
    const got = await pass(target, incoming, body);
    outgoing.writeHead(got.status, got.headers).end(got.body);
  } catch {
    outgoing.destroy();
  }
}

async function spoil(fault: JsonFault, outgoing: ServerResponse, get: () => Promise<Answer>): Promise<void> {
  switch (fault) {
    case 'timeout':
      return;
    case 'denied':
      return answer(outgoing, 400, DENIED);
    case 'throttled':
      return answer(outgoing, 400, THROTTLED);
    case '500':
      return answer(outgoing, 500, '{"__type":"InternalServerError"}');
    case 'reset':
      outgoing.destroy();
      return;
    case 'empty answer':
      return answer(outgoing, 200, '{}');
    default: {
      const { body } = await get();
      const half = body.subarray(0, Math.floor(body.length / 2));
      // Either the length is right and the connection ends before it, or the length itself says less.
      const length = fault === 'truncated' ? body.length : half.length;
      outgoing.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'content-length': length });
      outgoing.write(half, () => (fault === 'truncated' ? outgoing.destroy() : outgoing.end()));
    }
  }
}

function answer(outgoing: ServerResponse, status: number, body: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
}

function pass(target: string, { method, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(target, { method, headers }, (response) => {
      readBody(response).then(
        (got) => resolve({ status: response.statusCode ?? 502, headers: response.headers, body: got }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function readBody(from: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of from) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

import type { Readable } from 'node:stream';
import type { ConnectionLimits } from './limits.ts';

/** An answer that was cut, too long, or no answer. The SDK tries again what carries `$retryable`. */
export class BadAnswer extends Error {
  readonly $retryable = { throttling: false };

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  /** As they came, for who has a place to put them. */
  readonly chunks: readonly Uint8Array[];
}

export function bytesOf({ chunks }: Answer): Buffer {
  return Buffer.concat(chunks);
}

const ROOM_BYTES = 1024 * 1024;
const room = Buffer.alloc(ROOM_BYTES);

/**
 * The same, for who is done with them before anybody else asks: mostly in one place that is used over and over. New memory
 * for each page of a long listing makes V8 clean up so often that it takes as long as reading the pages.
 */
export function bytesForNow(answer: Answer): Buffer {
  let length = 0;
  for (const chunk of answer.chunks) {
    if (length + chunk.length > ROOM_BYTES) return bytesOf(answer);
    room.set(chunk, length);
    length += chunk.length;
  }
  return room.subarray(0, length);
}

/** A command's middleware stack, as far as it is used; the SDK's own type differs from command to command. */
interface Stack {
  addRelativeTo(middleware: (next: Step) => Step, options: typeof INSIDE_RETRIES): void;
}

type Step = (args: { readonly input: never; readonly request: unknown }) => Promise<{ response: unknown; output?: never }>;

const INSIDE_RETRIES = {
  relation: 'after',
  toMiddleware: 'deserializerMiddleware',
  name: 'tenonTakeBody',
  override: true,
} as const;

/**
 * Takes the whole body of a command's answer before the SDK parses it, checks it, and gives the SDK what `check` returns
 * instead. Standing inside the SDK's retries it makes a body that breaks off, stalls or is too short as retryable as a request that fails,
 * which the SDK alone does not: it would take a listing cut between two keys for a short listing. `check` is told of the
 * request as it was signed, too.
 */
export function takeBody(
  command: { readonly middlewareStack: object },
  limits: ConnectionLimits,
  max: number,
  check: (answer: Answer, request: unknown) => Uint8Array | Readable,
): void {
  const stack = command.middlewareStack as Stack;
  stack.addRelativeTo(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response;
      if (!isResponse(response) || response.statusCode >= 300) return result;
      response.body = check(await wholeAnswer(response, limits, max), args.request);
      return result;
    },
    INSIDE_RETRIES,
  );
}

/** Throws BadAnswer where it breaks off, stalls, is too long, or not as long as it says. */
export async function wholeAnswer(
  response: Response,
  limits: Pick<ConnectionLimits, 'requestTimeoutMs'>,
  max: number,
): Promise<Answer> {
  const chunks = await collect(response.body, limits.requestTimeoutMs, max);
  const length = response.headers['content-length'];
  const received = lengthOf(chunks);
  if (length !== undefined && Number(length) !== received) {
    throw new BadAnswer('TruncatedBody', `The answer has ${received} bytes instead of ${length}.`);
  }
  return { headers: response.headers, chunks };
}

export interface Response {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Body | Uint8Array;
}

/** What Node's HTTP gives: a stream that can be ended early. */
export type Body = AsyncIterable<Uint8Array> & { destroy(error?: Error): void };

function isResponse(response: unknown): response is Omit<Response, 'body'> & { body: Body | Uint8Array | Readable } {
  return (
    typeof response === 'object' && response !== null && 'statusCode' in response && 'headers' in response && 'body' in response
  );
}

async function collect(body: Body | Uint8Array, idleMs: number, max: number): Promise<Uint8Array[]> {
  if (body instanceof Uint8Array) return [body];
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of unlessIdle(body, idleMs)) {
    length += chunk.length;
    if (length > max) {
      body.destroy();
      throw new BadAnswer('OversizedBody', `The answer has more than ${max} bytes.`);
    }
    chunks.push(chunk);
  }
  return chunks;
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** The pieces of a body; a pause of `idleMs` between two of them ends it with a TimeoutError. */
export async function* unlessIdle(body: Body, idleMs: number): AsyncGenerator<Uint8Array> {
  const timer = setTimeout(() => body.destroy(new BadAnswer('TimeoutError', `No more bytes for ${idleMs} ms.`)), idleMs);
  try {
    for await (const chunk of body) {
      timer.refresh();
      yield chunk;
      timer.refresh();
    }
  } catch (error) {
    throw error instanceof BadAnswer
      ? error
      : new BadAnswer('BrokenBody', error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

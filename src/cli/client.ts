import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { TenonError } from '../model/errors.ts';
import { askGraphql, BrokenOff, getStream, NobodyThere, type Endpoint } from './api-client.ts';
import { apiSocket } from './api-socket.ts';

/** How a command speaks to Tenon: always through its API, whoever runs it. */
export interface Client {
  ask<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
  /** The body of a GET, as a stream. */
  download(path: string): Promise<Readable>;
  /** Ends what this command opened, when nobody else needs it any more. */
  close(): Promise<void>;
}

/** An API that this process serves, because it owns the directory. */
interface OwnApi {
  close(): Promise<void>;
}

export interface ClientOptions {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Opens the directory and serves its API on the socket; undefined when somebody else owns it. */
  own(): Promise<OwnApi | undefined>;
}

/** How long an owner may take from taking the lock to serving: it may be migrating. */
const WAIT_FOR_OWNER_MS = 60_000;
const LOOK_AGAIN_MS = 25;

/**
 * A client of TENON_URL; else of whoever owns the data directory; else this process becomes the owner. When the owner goes
 * away in between, the next question finds the new one, or makes it this process.
 */
export function openClient(options: ClientOptions): Client {
  const url = options.env['TENON_URL'];
  return url === undefined ? localClient(options) : remoteClient(url, options.env['TENON_TOKEN']);
}

function remoteClient(url: string, token: string | undefined): Client {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new TenonError('BAD_CONFIG', 'TENON_URL is not an http:// or https:// address.');
  if (token === undefined) throw new TenonError('UNAUTHENTICATED', 'TENON_URL is set, TENON_TOKEN is not.');
  const endpoint = { url, token };
  return {
    ask: (query, variables = {}) => askGraphql(endpoint, query, variables),
    download: (path) => getStream(endpoint, path),
    close: async () => {},
  };
}

function localClient({ dataDir, own }: ClientOptions): Client {
  const socket = apiSocket(dataDir);
  let mine: OwnApi | undefined;
  const withOwner = async <T>(fn: (endpoint: Endpoint) => Promise<T>, repeatable: boolean): Promise<T> => {
    for (const deadline = Date.now() + WAIT_FOR_OWNER_MS; ; await sleep(LOOK_AGAIN_MS)) {
      try {
        return await fn({ socket, token: await readToken(dataDir) });
      } catch (error) {
        if (error instanceof BrokenOff && !repeatable) throw brokenOff(error);
        if (!(error instanceof NobodyThere || error instanceof BrokenOff)) throw error;
        if (Date.now() > deadline) throw noOwner(dataDir);
      }
      // Nobody listens: become the owner, unless somebody is just becoming it.
      mine ??= await own();
    }
  };
  return {
    ask: (query, variables = {}) =>
      withOwner((endpoint) => askGraphql(endpoint, query, variables), !query.startsWith('mutation')),
    download: (path) => withOwner((endpoint) => getStream(endpoint, path), true),
    close: async () => mine?.close(),
  };
}

/** Without the file nobody has ever started here, which is the same as nobody listening. */
async function readToken(dataDir: string): Promise<string> {
  try {
    return (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new NobodyThere('no token');
    throw new TenonError(
      'DATA_DIRECTORY',
      `The token in ${dataDir} cannot be read: ${code ?? 'unknown error'}.`,
      { dataDir },
      { cause },
    );
  }
}

function brokenOff(cause: Error): TenonError {
  return new TenonError(
    'SOURCE_UNAVAILABLE',
    'The process that owns the data directory ended before it had answered. Try again.',
    {},
    { cause },
  );
}

function noOwner(dataDir: string): TenonError {
  return new TenonError('DATA_DIRECTORY', `Another process owns ${dataDir} but does not answer. Stop it, then try again.`, {
    dataDir,
  });
}

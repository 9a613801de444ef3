import { chmod, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TenonError } from '../model/errors.ts';

/** Where a server can be reached. */
export type Place = { readonly host: string; readonly port: number } | { readonly socket: string };

export interface Listener {
  /** `http://127.0.0.1:4000`, or the path of the socket. */
  readonly address: string;
  /** Answers what was asked, then stops. */
  close(): Promise<void>;
}

/** A whole request has to come within this. */
const REQUEST_TIMEOUT_MS = 60_000;

/** Listens at one place; a program may listen at several with the same doors behind. Throws BAD_CONFIG when it cannot. */
export async function listenAt(place: Place, answer: RequestListener): Promise<Listener> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, answer);
  // What a killed process left behind; the directory is ours, or we would not be here.
  if ('socket' in place) await rm(place.socket, { force: true });
  await opened(server, place);
  if ('socket' in place) await chmod(place.socket, 0o600);
  return { address: 'socket' in place ? place.socket : urlOf(server.address() as AddressInfo), close: () => closed(server) };
}

function opened(server: Server, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(place, cause)));
    server.listen('socket' in place ? { path: place.socket } : place, resolve);
  });
}

function cannotListen(place: Place, cause: NodeJS.ErrnoException): TenonError {
  const where = 'socket' in place ? place.socket : `${place.host}:${place.port}`;
  const message = `Cannot listen on ${where}: ${cause.code ?? cause.message}. Choose another place with --host and --port.`;
  return new TenonError('BAD_CONFIG', message, { ...place }, { cause });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Idle connections are closed at once: a client that keeps one open for later must not keep us. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

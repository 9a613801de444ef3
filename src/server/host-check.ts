import type { FastifyRequest } from 'fastify';
import { TenonError } from '../model/errors.ts';

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * While we listen on loopback, only pages of this machine may talk to us: a foreign name that was made to resolve to
 * 127.0.0.1 (DNS rebinding) is refused. Whoever binds to another address takes care of names, and no page can reach a
 * Unix socket.
 */
export function checkHost(request: FastifyRequest, boundTo: string): void {
  const local = boundTo === 'localhost' || boundTo.startsWith('127.') || boundTo === '::1';
  const host = request.headers.host ?? '';
  const bySocket = request.raw.socket.remoteAddress === undefined;
  if (!local || bySocket || LOOPBACK.test(host)) return;
  throw new TenonError('FORBIDDEN', 'This server listens on loopback and answers only to the names of loopback.', {
    host: host.slice(0, 100),
  });
}

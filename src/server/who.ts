import type { FastifyRequest } from 'fastify';
import { findPrincipalByToken } from '../access/tokens.ts';
import { TenonError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Tenon } from '../tenon.ts';

/** Who sends a request: `Authorization: Bearer <token>`, on the Unix socket too. Throws UNAUTHENTICATED. */
export async function whoIs(tenon: Tenon, request: FastifyRequest): Promise<Principal> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new TenonError('UNAUTHENTICATED', 'The request has no token.');
  const principal = await findPrincipalByToken(tenon.ground.db, token, tenon.ground.clock());
  if (principal === undefined) throw new TenonError('UNAUTHENTICATED', 'The token is unknown, expired or revoked.');
  return principal;
}

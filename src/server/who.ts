import type { FastifyRequest } from 'fastify';
import { findPrincipalByToken } from '../access/tokens.ts';
import { TenonError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Tenon } from '../tenon.ts';

/** Who sends a request: `Authorization: Bearer <token>`, on the Unix socket too. Throws UNAUTHENTICATED. */
export async function whoIs(tenon: Tenon, request: FastifyRequest): Promise<Principal> {
  return principalOf(tenon, /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]);
}

/**
 * The same for servers that send notifications, by what they can: besides a bearer also the bare token (MinIO sends what it is
 * given), and the password of a URL as in `http://any:<token>@host/…` (versitygw and SNS have no other way).
 */
export async function whoSends(tenon: Tenon, request: FastifyRequest): Promise<Principal> {
  const [, scheme = '', value] = /^(?:(Bearer|Basic) +)?(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() !== 'basic' || value === undefined) return principalOf(tenon, value);
  return principalOf(
    tenon,
    Buffer.from(value, 'base64')
      .toString()
      .replace(/^[^:]*:/, ''),
  );
}

async function principalOf(tenon: Tenon, token: string | undefined): Promise<Principal> {
  if (token === undefined) throw new TenonError('UNAUTHENTICATED', 'The request has no token.');
  const principal = await findPrincipalByToken(tenon.ground.db, token, tenon.ground.clock());
  if (principal === undefined) throw new TenonError('UNAUTHENTICATED', 'The token is unknown, expired or revoked.');
  return principal;
}

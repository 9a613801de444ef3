import { TenonError } from '../model/errors.ts';
import { hostRules } from './allowed-hosts.ts';
import { guardedAgents } from './guarded-socket.ts';
import type { ConnectionLimits } from './limits.ts';

/** What a connection may say about any service of AWS. */
export interface AwsOptions {
  readonly profile?: string | undefined;
  readonly accessKeyId?: string | undefined;
}

/**
 * What the clients of all services have in common: where they may lead, how long they wait, how often they try, and with whose
 * key. Throws BAD_INPUT for an access key without its secret.
 */
export function awsConfig({ profile, accessKeyId }: AwsOptions, secret: string | undefined, limits: ConnectionLimits) {
  return {
    ...(profile !== undefined && { profile }),
    ...(accessKeyId !== undefined && { credentials: keyOf(accessKeyId, secret) }),
    maxAttempts: limits.attempts,
    retryMode: 'standard',
    requestHandler: {
      ...guardedAgents(hostRules(limits.allowedHosts)),
      connectionTimeout: limits.connectTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      socketTimeout: limits.requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  };
}

function keyOf(accessKeyId: string, secret: string | undefined): { accessKeyId: string; secretAccessKey: string } {
  if (secret !== undefined) return { accessKeyId, secretAccessKey: secret };
  throw new TenonError('BAD_INPUT', `The connection has the access key «${accessKeyId}» but no secret.`);
}

/** Left out by the options, the environment says it; left out there too, the profile does. */
export function awsRegion(region: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  return region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined);
}

/** The SDK prints a paragraph about Node 20 at its first client. Its version is pinned; the user can do nothing about it. */
export function silenceSdk(): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
}

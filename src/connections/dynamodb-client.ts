import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { TenonError } from '../model/errors.ts';
import { hostRules } from './allowed-hosts.ts';
import type { DynamodbOptions } from './dynamodb.ts';
import { guardedAgents } from './guarded-socket.ts';
import type { ConnectionLimits } from './limits.ts';

export interface OpenedClient {
  readonly client: DynamoDBClient;
  readonly region: string;
  /** `http://127.0.0.1:8000`; undefined where it is AWS. */
  readonly endpoint: string | undefined;
}

/** A client as the AWS environment and profile say, but for what the options say. Without any region it is us-east-1. */
export async function openDynamodbClient(
  options: DynamodbOptions,
  secret: string | undefined,
  limits: ConnectionLimits,
): Promise<OpenedClient> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const sdk = await import('@aws-sdk/client-dynamodb');
  const { env } = process;
  const endpoint = options.endpoint ?? (env.AWS_ENDPOINT_URL_DYNAMODB || env.AWS_ENDPOINT_URL || undefined);
  if (endpoint !== undefined && !URL.canParse(endpoint))
    throw new TenonError('BAD_INPUT', 'The DynamoDB endpoint is no URL; write http://host:port or https://host.');
  const region = options.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined);
  const config = configOf({ ...options, endpoint, region }, secret, limits);
  const client = new sdk.DynamoDBClient(config);
  if (region !== undefined) return { client, region, endpoint };
  try {
    return { client, region: await client.config.region(), endpoint };
  } catch {
    client.destroy();
    return { client: new sdk.DynamoDBClient({ ...config, region: 'us-east-1' }), region: 'us-east-1', endpoint };
  }
}

function configOf(options: DynamodbOptions, secret: string | undefined, limits: ConnectionLimits): DynamoDBClientConfig {
  return {
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.region !== undefined && { region: options.region }),
    ...(options.profile !== undefined && { profile: options.profile }),
    ...credentials(options, secret),
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

function credentials(options: DynamodbOptions, secret: string | undefined): Pick<DynamoDBClientConfig, 'credentials'> {
  if (options.accessKeyId === undefined) return {};
  if (secret === undefined)
    throw new TenonError('BAD_INPUT', `The connection has the access key «${options.accessKeyId}» but no secret.`);
  return { credentials: { accessKeyId: options.accessKeyId, secretAccessKey: secret } };
}

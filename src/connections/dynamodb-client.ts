import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { TenonError } from '../model/errors.ts';
import { awsConfig, awsRegion, silenceSdk } from './aws-client.ts';
import type { DynamodbOptions } from './dynamodb.ts';
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
  silenceSdk();
  const sdk = await import('@aws-sdk/client-dynamodb');
  const { env } = process;
  const endpoint = options.endpoint ?? (env.AWS_ENDPOINT_URL_DYNAMODB || env.AWS_ENDPOINT_URL || undefined);
  if (endpoint !== undefined && !URL.canParse(endpoint))
    throw new TenonError('BAD_INPUT', 'The DynamoDB endpoint is no URL; write http://host:port or https://host.');
  const region = awsRegion(options.region, env);
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
    ...awsConfig(options, secret, limits),
  };
}

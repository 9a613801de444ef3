import { isIP } from 'node:net';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { TenonError } from '../model/errors.ts';
import { awsConfig, awsRegion, silenceSdk } from './aws-client.ts';
import type { S3Options } from './connections.ts';
import type { ConnectionLimits } from './limits.ts';

/**
 * A client as the AWS environment and profile say, but for what the connection says. The SDK has no default region and
 * servers that are not AWS rarely care: us-east-1, as the command line of others has it.
 */
export async function openS3Client(options: S3Options, secret: string | undefined, limits: ConnectionLimits): Promise<S3Client> {
  silenceSdk();
  const sdk = await import('@aws-sdk/client-s3');
  const config = configOf(options, secret, limits);
  const client = new sdk.S3Client(config);
  if (config.region !== undefined) return client;
  try {
    await client.config.region();
    return client;
  } catch {
    client.destroy();
    return new sdk.S3Client({ ...config, region: 'us-east-1' });
  }
}

function configOf(options: S3Options, secret: string | undefined, limits: ConnectionLimits): S3ClientConfig {
  const { env } = process;
  const endpoint = options.endpoint ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined);
  const region = awsRegion(options.region, env);
  return {
    ...(endpoint !== undefined && { endpoint, ...checksums(env) }),
    ...(region !== undefined && { region }),
    ...awsConfig(options, secret, limits),
    forcePathStyle: options.pathStyle ?? (endpoint !== undefined && needsPathStyle(endpoint)),
    followRegionRedirects: true,
  };
}

/** Many S3 servers other than AWS do not know its newer trailing checksums; those who want them say so by environment. */
function checksums(env: NodeJS.ProcessEnv): Pick<S3ClientConfig, 'requestChecksumCalculation'> {
  return env.AWS_REQUEST_CHECKSUM_CALCULATION === undefined ? { requestChecksumCalculation: 'WHEN_REQUIRED' } : {};
}

/** `bucket.127.0.0.1`, `bucket.localhost` and `bucket.minio` are no names that resolve. */
function needsPathStyle(endpoint: string): boolean {
  if (!URL.canParse(endpoint))
    throw new TenonError('BAD_INPUT', 'The S3 endpoint is no URL; write http://host:port or https://host.');
  const host = new URL(endpoint).hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 || host.endsWith('localhost') || !host.includes('.');
}

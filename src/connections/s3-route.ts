import type { S3Client } from '@aws-sdk/client-s3';

/** How requests to a bucket are written and signed, as the SDK did it with one that was answered. */
export interface Route {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  /** What comes before the `/` of the key: `/bucket` in path style. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly region: string;
  readonly service: string;
  readonly signer: Awaited<ReturnType<S3Client['config']['signer']>>;
}

const CREDENTIAL = /^AWS4-HMAC-SHA256 Credential=[^,]+\/\d{8}\/([^/,]+)\/([^/,]+)\/aws4_request,/;

/**
 * Learns the route from a request that the SDK made and signed, whatever led there: endpoint, path style, profile, another region
 * than the client's. Undefined where the SDK signed in a way of its own; such a bucket is left to it.
 */
export async function routeOf(client: S3Client, request: unknown, key: string | undefined): Promise<Route | undefined> {
  if (!isRequest(request)) return undefined;
  const { protocol, hostname, port, path, headers } = request;
  const [, region, service] = CREDENTIAL.exec(headers['authorization'] ?? '') ?? [];
  const end = key === undefined ? '' : `/${encodeKey(key)}`;
  if (region === undefined || service === undefined || !path.endsWith(end)) return undefined;
  const signer = await client.config.signer({ name: 'sigv4', signingName: service, signingRegion: region, properties: {} });
  const kept = Object.entries(headers).filter(([name]) => name === 'host' || name === 'user-agent');
  return {
    protocol,
    hostname,
    port,
    base: key === undefined ? path.replace(/\/$/, '') : path.slice(0, -end.length),
    headers: Object.fromEntries(kept),
    region,
    service,
    signer,
  };
}

interface SentRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Record<string, string>;
}

function isRequest(request: unknown): request is SentRequest {
  return typeof request === 'object' && request !== null && 'hostname' in request && 'path' in request && 'headers' in request;
}

/** Each name between two slashes percent-encoded, all but letters, digits and `-_.~`, as signatures want it. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

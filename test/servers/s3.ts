import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { until } from '../until.ts';
import { SKIPS } from './allowed-skips.ts';
import { cacheFolder } from './cache.ts';
import { freePort } from './free-port.ts';
import { buildOnce } from './go-install.ts';

/** A real S3 server with keys of its own. */
export interface TestS3 {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly client: S3Client;
  /** Whether it was started here and goes away with `close`. */
  readonly own: boolean;
  /** A new, empty bucket. */
  newBucket(): Promise<string>;
  close(): Promise<void>;
}

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** For the hook that calls `openTestS3`: the first time on a machine it builds, which takes minutes on a slow one. */
export const S3_HOOK_TIMEOUT_MS = 600_000;

const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';

/**
 * In this order: TEST_S3_URL with TEST_S3_ACCESS_KEY and TEST_S3_SECRET_KEY; versitygw or minio on the PATH; versitygw
 * built by `go install` into the cache. Where none can be had, the reason to skip.
 */
export async function openTestS3(options: S3ServerOptions = {}): Promise<TestS3 | { readonly skip: string }> {
  const { TEST_S3_URL: url, TEST_S3_ACCESS_KEY: accessKeyId = '', TEST_S3_SECRET_KEY: secretAccessKey = '' } = process.env;
  if (url !== undefined && options.webhook === undefined) return connectTo(url, { accessKeyId, secretAccessKey });
  const binary =
    findOnPath('versitygw') ??
    (options.webhook === undefined ? findOnPath('minio') : undefined) ??
    (await buildOnce(VERSITYGW, join(cacheFolder('s3'), 'versitygw-v1.8.0')));
  return binary === undefined ? { skip: SKIPS.noS3 } : startServer(binary, options);
}

interface S3ServerOptions {
  /** A URL that the server tells of what happens to its objects; then it is always one of our own, and versitygw. */
  readonly webhook?: string;
}

async function startServer(binary: string, { webhook }: S3ServerOptions): Promise<TestS3> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-s3-'));
  const keys = { accessKeyId: `test${randomBytes(6).toString('hex')}`, secretAccessKey: randomBytes(20).toString('hex') };
  const port = await freePort();
  const minio = binary.includes('minio');
  const args = minio
    ? ['server', '--quiet', '--address', `127.0.0.1:${port}`, folder]
    : [
        '--port',
        `127.0.0.1:${port}`,
        '--quiet',
        ...(webhook === undefined ? [] : ['--event-webhook-url', webhook]),
        'posix',
        '--sidecar',
        mkdtempSync(join(tmpdir(), 'tenon-s3-meta-')),
        folder,
      ];
  const env = minio
    ? { MINIO_ROOT_USER: keys.accessKeyId, MINIO_ROOT_PASSWORD: keys.secretAccessKey }
    : { ROOT_ACCESS_KEY_ID: keys.accessKeyId, ROOT_SECRET_ACCESS_KEY: keys.secretAccessKey };
  // The shell waits on our end of the pipe: the server goes when this process does, however it ends.
  const shell = spawn('sh', ['-c', '"$0" "$@" >/dev/null 2>&1 & cat >/dev/null; kill -9 $!', binary, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return connectTo(`http://127.0.0.1:${port}`, keys, async () => {
    const ended = shell.exitCode === null && new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin.end();
    await ended;
    for (const made of [folder, args[args.indexOf('--sidecar') + 1] ?? folder]) {
      if (made.startsWith(tmpdir())) rmSync(made, { recursive: true, force: true });
    }
  });
}

async function connectTo(url: string, keys: Keys, stop?: () => Promise<void>): Promise<TestS3> {
  const client = new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials: keys, maxAttempts: 1 });
  await until(`the S3 server at ${url} answers`, async () => {
    try {
      return (await client.send(new ListBucketsCommand({}))) !== undefined;
    } catch {
      return false;
    }
  });
  return {
    url,
    ...keys,
    client,
    own: stop !== undefined,
    async newBucket() {
      const Bucket = `tenon-test-${randomBytes(8).toString('hex')}`;
      await client.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
    async close() {
      client.destroy();
      await stop?.();
    },
  };
}

function findOnPath(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      const file = join(folder, name);
      accessSync(file, constants.X_OK);
      execFileSync(file, ['--version'], { stdio: 'ignore', timeout: 10_000 });
      return file;
    } catch {
      // Not there, or not for this machine.
    }
  }
  return undefined;
}

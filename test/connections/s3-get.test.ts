import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import { createS3Store, type S3Store } from '../../src/connections/s3.ts';
import { startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { openTestS3 } from '../servers/s3.ts';
import { SHORT } from './test-connections.ts';

const LIMITS = { ...CONNECTION_LIMITS, ...SHORT };

async function textOf(store: S3Store, address: string, options?: Parameters<S3Store['read']>[3]): Promise<string> {
  return Buffer.from(await store.read(address, 0, 100, options)).toString();
}

describe('requests to a bucket that has answered before', () => {
  let fake: FakeS3;
  let store: S3Store;

  beforeAll(async () => void (fake = await startFakeS3()));
  beforeEach(async () => {
    store = createS3Store({ endpoint: fake.url, accessKeyId: 'k' }, 's', LIMITS);
    fake.bucket.put('a', Buffer.from('all of it'));
    expect(await textOf(store, 's3://lake/a')).toBe('all of it');
  });
  afterEach(() => {
    fake.fail('403', 0, 0);
    store.close();
  });
  afterAll(() => fake.close());

  it('go where the SDK goes, whatever the key is like', async () => {
    const keys = ['a b', "!'()*", '/a//b/', './../x', 'a+b&c=d?e#f', '100%25', 'ü🦀', '~-_.', '\u0007\\"<>`|'];
    for (const key of keys) {
      fake.bucket.put(key, Buffer.from(key));
      const from = fake.requests.length;
      await store.head(`s3://lake/${key}`);
      // The fake takes `..` for a folder up and finds nothing.
      await store.read(`s3://lake/${key}`, 0, 100).catch(() => undefined);
      const [bySdk, own, ...more] = fake.requests.slice(from).map(({ path }) => path.replace(/\?.*$/, ''));
      expect(own).toBe(bySdk);
      expect(more).toEqual([]);
    }
  });

  it.each(['timeout', 'reset', '500', '503', 'cut-body', 'wrong-length'] as const)('are tried again: %s', async (fault) => {
    fake.fail(fault, 0, 1);
    const from = fake.requests.length;
    expect(await textOf(store, 's3://lake/a')).toBe('all of it');
    expect(fake.requests.length - from).toBe(2);
  });

  it.each(['reset', '500', 'cut-body'] as const)('are given up after four attempts: %s', async (fault) => {
    fake.fail(fault, 0, 100);
    const from = fake.requests.length;
    await expect(textOf(store, 's3://lake/a')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(fake.requests.length - from).toBe(4);
  });

  it('are not made again where that is no use, and say what S3 says', async () => {
    const from = fake.requests.length;
    fake.fail('403', 0, 100);
    await expect(textOf(store, 's3://lake/a')).rejects.toMatchObject({
      code: 'SOURCE_DENIED',
      details: { operation: 'GetObject', bucket: 'lake', error: 'AccessDenied', status: 403 },
    });
    fake.fail('403', 0, 0);
    await expect(textOf(store, 's3://lake/none')).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
      details: { error: 'NoSuchKey' },
    });
    await expect(textOf(store, 's3://lake/a', { expected: { etag: 'other' } })).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
      details: { status: 412 },
    });
    expect(await store.read('s3://lake/a', 50, 60)).toHaveLength(0);
    expect(fake.requests.length - from).toBe(4);
  });

  it('end when they are no longer wanted', async () => {
    fake.fail('timeout', 0, 100);
    const controller = new AbortController();
    const reading = textOf(store, 's3://lake/a', { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('No longer.')), 50);
    await expect(reading).rejects.toThrow('No longer.');
    await expect(textOf(store, 's3://lake/a', { signal: AbortSignal.abort(new Error('Never.')) })).rejects.toThrow('Never.');
  });
});

describe('requests to a server that looks at their signatures', () => {
  it('are right for every key, and when the clock of this machine is wrong', async ({ skip }) => {
    const server = await openTestS3();
    if ('skip' in server) return skip(server.skip);
    const store = createS3Store({ endpoint: server.url, accessKeyId: server.accessKeyId }, server.secretAccessKey, LIMITS);
    const folder = await mkdtemp(join(tmpdir(), 'tenon-signed-'));
    try {
      const bucket = await server.newBucket();
      await writeFile(join(folder, 'x'), 'signed');
      for (const key of ['a', "b !'()*+,;=@:&$", 'ü%20/🦀~']) {
        const { etag } = await store.upload(join(folder, 'x'), `s3://${bucket}/${key}`);
        for (let n = 0; n < 2; n += 1)
          expect(await textOf(store, `s3://${bucket}/${key}`, { expected: { etag } })).toBe('signed');
        const found: string[] = [];
        for await (const { path } of store.list(`s3://${bucket}/`, { after: key.slice(0, 1) })) found.push(path);
        if (key.length > 1) expect(found).toContain(key);
      }
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
      expect(await textOf(store, `s3://${bucket}/a`)).toBe('signed');
      expect(await textOf(store, `s3://${bucket}/a`)).toBe('signed');
    } finally {
      vi.useRealTimers();
      store.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('what the SDK finds out for requests that it does not make', () => {
  let seen: IncomingHttpHeaders[];
  let home: string;
  let server: Server;
  let endpoint: string;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenon-profile-'));
    server = createServer((request, answer) => {
      seen.push(request.headers);
      if (home !== '' && request.headers.authorization?.includes(`/${home}/s3/`) !== true) {
        answer.writeHead(301, { 'x-amz-bucket-region': home }).end('<Error><Code>PermanentRedirect</Code></Error>');
      } else answer.writeHead(206, { 'content-range': 'bytes 0-2/3' }).end('abc');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    seen = [];
    home = '';
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  it('is the region of the bucket, also when it moves', async () => {
    const store = createS3Store({ endpoint, accessKeyId: 'k', region: 'us-east-1' }, 's', LIMITS);
    const requests = async () => {
      const from = seen.length;
      expect(await textOf(store, 's3://lake/a')).toBe('abc');
      return seen.length - from;
    };
    home = 'eu-west-1';
    expect([await requests(), await requests(), await requests()]).toEqual([2, 1, 1]);
    home = 'eu-central-1';
    await requests();
    expect(await requests()).toBe(1);
    store.close();
  });

  it('are credentials of a profile, with their token, and new ones when they run out', async () => {
    const script = join(folder, 'credentials.cjs');
    await writeFile(
      script,
      `const { appendFileSync, statSync } = require('node:fs');
      const file = ${JSON.stringify(join(folder, 'count'))};
      appendFileSync(file, '.');
      const n = statSync(file).size;
      const Expiration = new Date(Date.now() + 60_000).toISOString();
      console.log(JSON.stringify({ Version: 1, AccessKeyId: 'KEY' + n, SecretAccessKey: 's', SessionToken: 'token' + n, Expiration }));`,
    );
    await writeFile(
      join(folder, 'config'),
      `[profile short]\nregion = eu-north-1\ncredential_process = "${process.execPath}" "${script}"\n`,
    );
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
    const store = createS3Store({ endpoint, profile: 'short' }, undefined, LIMITS);
    // The SDK gets new ones beside the requests that go on with the old ones.
    await vi.waitFor(async () => {
      expect(await textOf(store, 's3://lake/a')).toBe('abc');
      expect(seen.at(-1)?.['x-amz-security-token']).not.toBe(seen[0]?.['x-amz-security-token']);
    }, 5_000);
    store.close();
    const used = seen.map(({ authorization = '', ...headers }) => {
      const [, id, region] = /Credential=KEY(\d+)\/\d+\/([^/]+)\/s3\//.exec(authorization) ?? [];
      return {
        isOwn: headers['x-amz-security-token'] === `token${id}` && /SignedHeaders=[^,]*x-amz-security-token/.test(authorization),
        id,
        region,
      };
    });
    expect(used.length).toBeGreaterThan(2);
    expect(used.every(({ isOwn, region }) => isOwn && region === 'eu-north-1')).toBe(true);
  });
});

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import { createDynamodbSource, type DynamodbOptions } from '../../src/connections/dynamodb.ts';
import { dynamodbError } from '../../src/connections/dynamodb-errors.ts';
import type { ConnectionLimits } from '../../src/connections/limits.ts';
import { DYNAMODB_HOOK_TIMEOUT_MS, DYNAMODB_KEYS, openTestDynamodb, type TestDynamodb } from '../servers/dynamodb.ts';
import { startFaultProxy } from '../servers/fault-proxy.ts';
import { openTestConnections } from './test-connections.ts';

const signal = new AbortController().signal;

describe('a DynamoDB', () => {
  let server: TestDynamodb;
  beforeAll(async () => {
    server = await openTestDynamodb();
  }, DYNAMODB_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server?.close();
  });

  const open = (options: DynamodbOptions = {}, secret?: string, limits: Partial<ConnectionLimits> = {}) =>
    createDynamodbSource(options, secret, { ...CONNECTION_LIMITS, ...limits });

  it('is found by the SDK’s own variables where no connection says anything', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', server.url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', DYNAMODB_KEYS.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', DYNAMODB_KEYS.secretAccessKey);
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    const source = await open();
    expect([source.region, source.host]).toEqual(['eu-central-1', new URL(server.url).host]);
    expect(await source.listTables(undefined, signal)).toEqual({ names: [], next: undefined });
    expect(source.bytes()).toBeGreaterThan(10);
    await source.close();
    vi.stubEnv('AWS_REGION', '');
    expect((await open({ region: 'eu-west-3' })).region).toBe('eu-west-3');
  });

  it('lists its tables page by page', async () => {
    const AttributeDefinitions = [{ AttributeName: 'id', AttributeType: 'S' as const }];
    const KeySchema = [{ AttributeName: 'id', KeyType: 'HASH' as const }];
    const names = Array.from({ length: 105 }, (_, n) => `table-${String(n).padStart(3, '0')}`);
    await Promise.all(names.map((name) => server.createTable(name, { AttributeDefinitions, KeySchema })));
    const source = await open({ endpoint: server.url, region: 'us-east-1', accessKeyId: 'test' }, 'test-secret');
    const first = await source.listTables(undefined, signal);
    const second = await source.listTables(first.next, signal);
    expect([first.names.length, second.next]).toEqual([100, undefined]);
    expect([...first.names, ...second.names].sort()).toEqual(names);
    await source.close();
  }, 60_000);

  it('is never at an address that keeps a cloud’s credentials, nor where the configuration does not allow', async () => {
    const at = (endpoint: string, allowedHosts?: string[]) =>
      open({ endpoint, region: 'us-east-1', accessKeyId: 'a' }, 's', { attempts: 1, ...(allowedHosts && { allowedHosts }) }).then(
        (source) => source.listTables(undefined, signal),
      );
    for (const endpoint of [
      'http://169.254.169.254',
      'http://[::ffff:a9fe:a9fe]',
      'http://0251.0376.0251.0376',
      'http://metadata.google.internal',
    ])
      await expect(at(endpoint), endpoint).rejects.toMatchObject({ name: 'TenonError' });
    await expect(at(server.url, ['dynamodb.example'])).rejects.toMatchObject({ name: 'TenonError' });
    expect((await at(server.url, ['127.0.0.1'])).names.length).toBeGreaterThan(0);
  });

  it('gives an error that names what failed, and neither key nor secret nor the server’s sentence', async () => {
    const proxy = await startFaultProxy(server.url);
    const source = await open({ endpoint: proxy.url, region: 'us-east-1', accessKeyId: 'AKIAEXAMPLE' }, 'wJalrSecret', {
      attempts: 1,
    });
    proxy.deny('DescribeTable');
    const error: unknown = await source.describe('table-001', signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'SOURCE_DENIED',
      message: 'DescribeTable for the table «table-001» failed: access denied (AccessDeniedException).',
    });
    expect(JSON.stringify([error, String(error)])).not.toMatch(/AKIAEXAMPLE|wJalr|not authorized/);
    proxy.deny(undefined);
    await expect(source.describe('no-such-table', signal)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
    await proxy.close();
    await expect(source.listTables(undefined, signal)).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      details: { error: expect.stringMatching(/^ECONN(REFUSED|RESET)$/) },
    });
    await source.close();
  });

  it('is asked again after it was too busy, and stops at once when it is told to', async () => {
    const proxy = await startFaultProxy(server.url);
    const source = await open({ endpoint: proxy.url, region: 'us-east-1', accessKeyId: 'a' }, 's');
    for (const fault of ['throttled', '500', 'reset'] as const) {
      proxy.fail(fault, 0);
      expect((await source.listTables(undefined, signal)).names).toHaveLength(100);
      expect(proxy.count()).toBe(2);
    }
    const stop = new AbortController();
    const reason = new Error('Enough.');
    proxy.fail('timeout', 0);
    const asked = source.listTables(undefined, stop.signal);
    setTimeout(() => stop.abort(reason), 50);
    await expect(asked).rejects.toBe(reason);
    await source.close();
    await proxy.close();
  });

  it('is reached by a connection, whose secret does not follow to another endpoint', async () => {
    const test = await openTestConnections();
    const draft = {
      name: 'nosql',
      kind: 'dynamodb',
      options: { endpoint: server.url, region: 'us-east-1', accessKeyId: 'test' },
      secret: 'test-secret',
    };
    expect(await test.define(draft)).toMatchObject({ kind: 'dynamodb', hasSecret: true });
    const source = await test.connections.dynamodb('nosql');
    expect((await source.listTables(undefined, signal)).names).toHaveLength(100);
    expect(await test.connections.dynamodb('nosql')).toBe(source);
    expect((await test.connections.dynamodb('nosql', { region: 'eu-west-1' })).region).toBe('eu-west-1');
    const moved = { name: 'nosql', kind: 'dynamodb', options: { ...draft.options, endpoint: 'http://127.0.0.1:1' } };
    await expect(test.define(moved)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(test.define({ ...draft, options: { pathStyle: true } })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await test.close();
  });
});

it('an error of DynamoDB says what to do by its code', () => {
  const codeOf = (name: string, status?: number) =>
    (
      dynamodbError(Object.assign(new Error('secret'), { name, $metadata: { httpStatusCode: status } }), {
        operation: 'Scan',
      }) as { code: string }
    ).code;
  expect(codeOf('UnrecognizedClientException', 400)).toBe('SOURCE_DENIED');
  expect(codeOf('CredentialsProviderError')).toBe('SOURCE_DENIED');
  expect(codeOf('ProvisionedThroughputExceededException', 400)).toBe('SOURCE_UNAVAILABLE');
  expect(codeOf('InternalServerError', 500)).toBe('SOURCE_UNAVAILABLE');
  expect(codeOf('ResourceNotFoundException', 400)).toBe('DATA_UNREADABLE');
  expect(codeOf('UnknownOperationException', 400)).toBe('UNSUPPORTED');
});

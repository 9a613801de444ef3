import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../graphql/schema.ts';
import { createPrincipal } from '../../src/access/principals.ts';
import { createToken, revokeToken } from '../../src/access/tokens.ts';
import { write } from '../../src/changes/write.ts';
import type { Principal, Role } from '../../src/model/principal.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { until } from '../until.ts';
import { openTestApi, type TestApi } from '../graphql/api.ts';

let api: TestApi;
let server: Server;
let admin: string;
let reader: string;
const logged: unknown[] = [];

beforeAll(async () => {
  api = await openTestApi();
  const note = (...entry: unknown[]): void => void logged.push(entry);
  const tenon = { ...api.tenon, log: { info: note, warn: note, error: note } };
  server = await createServer({ tenon, schema, version: '1.2.3' });
  admin = (await makeToken('root', 'admin')).token;
  reader = (await makeToken('guest', 'reader')).token;
});
afterAll(async () => {
  await server.close();
  await api.close();
});

const SYSTEM: Principal = { id: 'system', name: 'system', role: 'admin' };

function makeToken(name: string, role: Role): Promise<{ id: string; token: string }> {
  return write(api.tenon.ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
    await createPrincipal(w, { name, role });
    return createToken(w, { principal: name, name: 'test' });
  });
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly {
    message: string;
    path?: unknown;
    extensions: { code: string; details: Record<string, unknown>; next: string };
  }[];
  readonly error?: { code: string; message: string; details: Record<string, unknown> };
}

async function post(
  query: string,
  { token = admin, headers = {} }: { token?: string | undefined; headers?: Record<string, string> } = {},
) {
  const response = await server.app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { host: 'localhost:4000', 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    payload: JSON.stringify({ query }),
  });
  return { status: response.statusCode, text: response.body, answer: JSON.parse(response.body) as Answer };
}

const get = (url: string, headers: Record<string, string> = {}) =>
  server.app.inject({ method: 'GET', url, headers: { host: 'localhost:4000', ...headers } });

describe('GraphQL over HTTP', () => {
  it('answers whoever has a token', async () => {
    expect((await post('{ me { name role } }')).answer).toEqual({ data: { me: { name: 'root', role: 'ADMIN' } } });
    expect((await post('{ me { name } }', { token: reader })).answer).toEqual({ data: { me: { name: 'guest' } } });
  });

  it('tells nothing to anybody else, not even the schema', async () => {
    const revoked = await makeToken('gone', 'admin');
    await write(api.tenon.ground, { principal: SYSTEM, owner: 'api' }, (w) => revokeToken(w, revoked));
    for (const token of ['', 'x', 'tenon_' + 'a'.repeat(43), `${admin}x`, revoked.token]) {
      const { status, answer } = await post('{ __schema { queryType { name } } }', { token });
      expect([status, answer.errors?.[0]?.extensions.code, answer.data]).toEqual([401, 'UNAUTHENTICATED', undefined]);
    }
    const { statusCode } = await server.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { host: 'localhost', 'content-type': 'application/json' },
      payload: '{"query":"{ me { name } }"}',
    });
    expect(statusCode).toBe(401);
  });

  it('gives its errors codes, and keeps where they come from to itself', async () => {
    const cases: [string, string][] = [
      ['{ table(name: "no dot") { name } }', 'BAD_INPUT'],
      ['{ run(id: "x") { id } }', 'NOT_FOUND'],
      ['{ nothing }', 'BAD_INPUT'],
      ['{ me { name }', 'BAD_INPUT'],
      ['mutation { createDatabase { name } }', 'BAD_INPUT'],
      [`{ ${'a: me { name } '.repeat(1)} ${Array.from({ length: 200 }, (_, i) => `b${i}: me { name }`).join(' ')} }`, 'LIMIT'],
    ];
    for (const [query, code] of cases) {
      const { answer, text } = await post(query);
      expect(answer.errors?.[0]?.extensions.code, query).toBe(code);
      expect(answer.errors?.[0]?.extensions.next, query).not.toBe('');
      expect(text, query).not.toMatch(/stacktrace|node_modules|\.ts:\d|\.js:\d/);
    }
    const { answer } = await post('mutation { createDatabase(name: "x") { name } }', { token: reader });
    expect(answer.errors?.[0]).toMatchObject({
      path: ['createDatabase'],
      extensions: { code: 'FORBIDDEN', details: { needed: 'editor' } },
    });
  });

  it('answers a defect with an id, and logs what happened under it', async () => {
    Object.assign(api.tenon.connections, { list: () => Promise.reject(new Error('the canary of a defect')) });
    const { answer, text } = await post('{ connections { edges { node { name } } } }');
    const id = answer.errors?.[0]?.extensions.details['id'];
    expect(answer.errors?.[0]?.extensions.code).toBe('INTERNAL');
    expect(text).not.toContain('canary');
    const entries = logged.map((each) => (each as [{ id?: string; err?: Error }])[0]);
    expect(entries.filter((entry) => entry.id === id && String(entry.err).includes('canary'))).toHaveLength(1);
  });

  it('does not let a foreign page send a simple request', async () => {
    const response = await server.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { host: 'localhost', 'content-type': 'text/plain', authorization: `Bearer ${admin}` },
      payload: '{"query":"{ me { name } }"}',
    });
    expect(response.statusCode).toBeGreaterThanOrEqual(400);
    expect((await get('/graphql?query={me{name}}', { authorization: `Bearer ${admin}` })).statusCode).toBe(400);
  });

  it('refuses a body that is too large, and one that is no JSON', async () => {
    const large = await post(`{ me { name } } # ${'x'.repeat(api.tenon.config.limits.requestBytes)}`);
    expect([large.status, large.answer.error?.code]).toEqual([413, 'LIMIT']);
    const broken = await server.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { host: 'localhost', 'content-type': 'application/json', authorization: `Bearer ${admin}` },
      payload: '{"query":',
    });
    expect([broken.statusCode, (broken.json() as Answer).error?.code]).toEqual([400, 'BAD_INPUT']);
  });

  it('writes no token into its log', () => {
    expect(logged.length).toBeGreaterThan(10);
    const text = JSON.stringify(logged);
    for (const token of [admin, reader]) expect(text).not.toContain(token.slice(6));
  });
});

describe('the other doors', () => {
  it('tell that the process lives and that the database answers', async () => {
    expect((await get('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await get('/readyz')).json()).toEqual({ status: 'ok' });
  });

  it('show one plain page that says where things are, and loads nothing', async () => {
    const { body, headers, statusCode } = await get('/');
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toContain('text/html');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    for (const word of ['Tenon', '1.2.3', '/graphql', '/healthz', '/metrics', 'docs/errors.md']) expect(body).toContain(word);
    expect(body).not.toMatch(/<script|src=|https?:\/\//);
  });

  it('give Prometheus counts and no names', async () => {
    await post('{ nothing }');
    const { body } = await get('/metrics');
    expect(body).toMatch(/tenon_follower_lag\{follower="search"\} \d/);
    expect(body).toMatch(/tenon_http_request_seconds_count\{method="POST",route="\/graphql",status="200"\} \d+/);
    expect(body).toMatch(/tenon_graphql_errors_total\{code="BAD_INPUT"\} \d+/);
    expect(body).toContain('process_resident_memory_bytes');
  });

  it('answer in JSON to what is not there', async () => {
    const { statusCode, body } = await get('/etc/passwd?token=hush');
    expect(statusCode).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'NOT_FOUND' } });
    expect(body).not.toContain('hush');
  });

  it('listen to the names of loopback only, while they are bound to it', async () => {
    for (const host of ['localhost', 'localhost:4000', '127.0.0.1:4000', '[::1]:4000'])
      expect((await get('/healthz', { host })).statusCode, host).toBe(200);
    for (const host of ['evil.example', 'evil.example:4000', 'localhost.evil.example', '127.0.0.1.evil.example']) {
      for (const url of ['/healthz', '/metrics', '/', '/graphql'])
        expect((await get(url, { host })).statusCode, `${host}${url}`).toBe(403);
    }
  });

  it('hand the backup to admins only', async () => {
    expect((await get('/backup')).statusCode).toBe(401);
    expect((await get('/backup', { authorization: `Bearer ${reader}` })).statusCode).toBe(403);
    const { statusCode, rawPayload } = await get('/backup', { authorization: `Bearer ${admin}` });
    expect(statusCode).toBe(200);
    expect(gunzipSync(rawPayload).toString('latin1')).toContain('tenon-backup');
  });
});

describe('subscriptions', () => {
  const CHANGES =
    'subscription ($after: Position) { changes(after: $after, filter: { database: "streamed" }) { position kind database } }';
  const open = async (url: string, body: object, signal?: AbortSignal) =>
    fetch(`${url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${admin}` },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });

  it('bring changes as they are committed, from a position on, and end when the server closes', async () => {
    const local = await createServer({ tenon: api.tenon, schema, version: '1.2.3' });
    const url = await local.listen({ host: '127.0.0.1', port: 0 });
    await post('mutation { createDatabase(name: "streamed") { name } }');
    const response = await open(url, { query: CHANGES, variables: { after: '0' } });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
    })();
    await until('the first change', () => text.includes('DATABASE_CREATED'));
    await post('mutation { dropDatabase(name: "streamed") { name } }');
    await until('the second change', () => text.includes('DATABASE_DROPPED'));
    await local.close();
    await reading;
    const events = text.split('\n\n').filter((event) => event.startsWith('event:'));
    expect(events.map((event) => event.split('\n')[0])).toEqual(['event: next', 'event: next', 'event: complete']);
    expect(JSON.parse(events[0]?.split('data: ')[1] ?? '')).toMatchObject({
      data: { changes: { kind: 'DATABASE_CREATED', database: 'streamed' } },
    });
  });

  it('refuse what is none, what is wrong, and who has no token', async () => {
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const refused = async (body: object) => ((await (await open(url, body)).json()) as Answer).error?.code;
    expect(await refused({ query: '{ me { name } }' })).toBe('BAD_INPUT');
    expect(await refused({ query: 'subscription { nothing }' })).toBe('BAD_INPUT');
    expect(await refused({ query: 'subscription {' })).toBe('BAD_INPUT');
    expect(await refused({ query: CHANGES, variables: { after: 'x' } })).toBe('BAD_INPUT');
    expect(await refused({})).toBe('BAD_INPUT');
    const nobody = await fetch(`${url}/graphql/stream`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(nobody.status).toBe(401);
  });

  it('stop looking when the client goes away', async () => {
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const leave = new AbortController();
    const response = await open(url, { query: CHANGES }, leave.signal);
    expect(response.status).toBe(200);
    const before = server.open();
    leave.abort();
    await until('the request is over', () => server.open() < before);
  });
});

describe('the socket', () => {
  it('is for its user alone, and asks for the token all the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenon-socket-'));
    const local = await createServer({ tenon: api.tenon, schema, version: '1.2.3' });
    try {
      expect(await local.listen({ socket: join(folder, 's') })).toBe(join(folder, 's'));
      const url = await local.listen({ host: '127.0.0.1', port: 0 });
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect((await stat(join(folder, 's'))).mode & 0o777).toBe(0o600);
      const ask = (token: string): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          const body = JSON.stringify({ query: '{ me { name } }' });
          const headers = { host: 'anything', 'content-type': 'application/json', authorization: `Bearer ${token}` };
          request({ socketPath: join(folder, 's'), method: 'POST', path: '/graphql', headers, agent: false }, (response) => {
            response.resume();
            resolve(response.statusCode);
          })
            .on('error', reject)
            .end(body);
        });
      expect(await ask(admin)).toBe(200);
      expect(await ask('no')).toBe(401);
    } finally {
      await local.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

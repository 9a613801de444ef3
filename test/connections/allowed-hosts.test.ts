import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import { addressBytes, hostRules, plainName, refusedAddress, refusedHost } from '../../src/connections/allowed-hosts.ts';
import type { ConnectionLimits } from '../../src/connections/limits.ts';
import { guardedLookup } from '../../src/connections/guarded-socket.ts';
import { createPostgresSource } from '../../src/connections/postgres.ts';
import { parseDatabaseUrl } from '../../src/connections/database-url.ts';
import { createS3Store } from '../../src/connections/s3.ts';

/** Every one leads to 169.254.169.254, or to another place that no source is at. */
const NEVER = [
  '169.254.169.254',
  '169.254.169.254.',
  '169.254.0.1',
  '169.254.255.255',
  '169.254.170.2',
  '169.254.43518',
  '169.16689662',
  '2852039166',
  '0xa9fea9fe',
  '0XA9FEA9FE',
  '0xa9.0xfe.0xa9.0xfe',
  '0xa9.0xfea9fe',
  '0xa9.0xfe.0xa9fe',
  '0xa9.254.0251.254',
  '0251.0376.0251.0376',
  '0251.0376.124776',
  '025177524776',
  '0000251.00376.0251.0376',
  '０xa9fea9fe',
  '１６９.２５４.１６９.２５４',
  '169。254。169。254',
  '①⑥⑨.②⑤④.①⑥⑨.②⑤④',
  '::ffff:169.254.169.254',
  '::FFFF:A9FE:A9FE',
  '[::ffff:169.254.169.254]',
  '0:0:0:0:0:ffff:a9fe:a9fe',
  '0000:0000:0000:0000:0000:ffff:169.254.169.254',
  '::ffff:169.254.169.254%eth0',
  '::169.254.169.254',
  '::a9fe:a9fe',
  '64:ff9b::169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '2001:0:0:0:0:0:5601:5601',
  '2001::5601:5601',
  '2001:db8::5efe:169.254.169.254',
  'fe80::1',
  'FE80::1%eth0',
  'fe80::1%25eth0',
  'febf:ffff::1',
  'fec0::1',
  'fd00:ec2::254',
  'FD00:0EC2:0:0:0:0:0:254',
  '[fd00:ec2::254]',
  'fd20:ce::254',
  'ff02::1',
  '::',
  '0::0',
  '[::]',
  '::ffff:0.0.0.0',
  '::ffff:0:0',
  '0',
  '0.0.0.0',
  '0.0.0.0.',
  '0x0',
  '00',
  '0.1.2.3',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '4294967295',
  '0xffffffff',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'metadata.google.internal',
  'METADATA.GOOGLE.INTERNAL.',
  'ｍｅｔａｄａｔａ.google.internal',
  'metadata.goog',
  'instance-data',
];

/** What is no host at all: users, ports, paths and spaces do not belong into one. */
const NO_HOSTS = [
  '',
  ' ',
  'db.example@169.254.169.254',
  'db.example:80@169.254.169.254',
  'db.example#@169.254.169.254',
  'db.example\\@169.254.169.254',
  '169.254.169.254:80',
  '169.254.169.254/latest',
  '169.254.169.254?x',
  'db.example\0.evil.example',
  'db example',
  'db.example\n',
  'a..b',
  '.',
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(140)}b`,
];

const ANYWHERE = hostRules(undefined);

describe('hosts that are never allowed', () => {
  it.each(NEVER)('%s', (host) => {
    expect(refusedHost(host, ANYWHERE)).toBeDefined();
    // Nor when somebody lists just that.
    expect(refusedHost(host, hostRules(['0.0.0.0/0', '::/0', '*.internal', '*.goog', 'instance-data']))).toBeDefined();
    expect(refusedHost(host, hostRules(['169.254.169.254', 'fe80::/10']))).toBeDefined();
  });

  it.each(NO_HOSTS)('%j is no host', (host) => {
    expect(refusedHost(host, ANYWHERE)).toBe('is no host');
  });

  it('are refused by what a name resolves to', () => {
    for (const address of ['169.254.169.254', '::ffff:169.254.169.254', 'fe80::1', '0.0.0.0']) {
      expect(refusedAddress('db.example', address, ANYWHERE)).toBeDefined();
      expect(refusedAddress('db.example', address, hostRules(['db.example']))).toBeDefined();
    }
    expect(refusedAddress('db.example', 'nonsense', ANYWHERE)).toBe('has been resolved to no address');
  });
});

describe('hosts where data of one’s own lies', () => {
  it.each([
    'localhost',
    '127.0.0.1',
    '::1',
    '10.1.2.3',
    '192.168.0.7',
    '172.16.0.1',
    'fd12:3456::1',
    'db',
    'db.example',
    'db.example.',
    '8.8.8.8',
    'xn--bcher-kva.example',
    'bücher.example',
    '/run/postgresql',
    '1.0.0.0',
    '169.253.1.1',
    '100.100.100.201',
    '2001:db8::1',
  ])('%s is allowed unless the configuration says where to go', (host) => {
    expect(refusedHost(host, ANYWHERE)).toBeUndefined();
    expect(refusedHost(host, hostRules([]))).toBe('is not in connections.allowedHosts');
  });
});

describe('connections.allowedHosts', () => {
  const rules = hostRules([
    'db.example',
    '*.warehouse.example',
    '10.0.0.0/8',
    '2001:db8::/32',
    '192.168.1.5',
    'Bücher.example',
    '/run/pg/',
  ]);

  it.each([
    'db.example',
    'DB.Example.',
    'a.warehouse.example',
    'a.b.warehouse.example',
    '10.255.0.1',
    '0x0a.1',
    '167772161',
    '::ffff:10.0.0.1',
    '2001:db8::5',
    '192.168.1.5',
    'bücher.example',
    'xn--bcher-kva.example',
    '/run/pg',
  ])('lets %s through', (host) => {
    expect(refusedHost(host, rules)).toBeUndefined();
  });

  it.each([
    '127.0.0.1',
    '11.0.0.1',
    '2001:db9::1',
    '192.168.1.6',
    '/run/other',
    '::1',
    '2130706433',
    '0177.1',
    '::ffff:127.0.0.1',
  ])('refuses %s', (host) => {
    expect(refusedHost(host, rules)).toBe('is not in connections.allowedHosts');
  });

  it('judges a name that it does not list by its address, and one that it lists not', () => {
    expect(refusedAddress('other.example', '10.0.0.1', rules)).toBeUndefined();
    expect(refusedAddress('other.example', '127.0.0.1', rules)).toBe('is not in connections.allowedHosts');
    expect(refusedAddress('db.example', '127.0.0.1', rules)).toBeUndefined();
    for (const name of ['evil-db.example', 'db.example.evil.example', 'warehouse.example', 'awarehouse.example'])
      expect(refusedAddress(name, '8.8.8.8', rules)).toBe('is not in connections.allowedHosts');
    expect(refusedHost('other.example', hostRules(['db.example']))).toBe('is not in connections.allowedHosts');
  });

  it.each(['10.0.0.0/33', 'http://db.example', 'db.example:5432', 'user@db', '', '*', '*.', 'a b'])(
    'says that %j is no rule',
    (rule) => {
      expect(() => hostRules([rule])).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
    },
  );

  it('reads addresses in every spelling, and names as resolvers do', () => {
    expect(addressBytes('127.1')).toEqual([127, 0, 0, 1]);
    expect(addressBytes('::ffff:1.2.3.4')).toEqual([1, 2, 3, 4]);
    expect(addressBytes('1.2.3.4.5')).toBeUndefined();
    expect(addressBytes('256.0.0.1')).toBeUndefined();
    expect(addressBytes('1.2.3.256')).toBeUndefined();
    expect(addressBytes('4294967296')).toBeUndefined();
    expect(addressBytes('::1')).toHaveLength(16);
    expect(plainName('Bücher.Example.')).toBe('xn--bcher-kva.example');
  });
});

describe('a connection', () => {
  const servers: (Server | ReturnType<typeof createHttpServer>)[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  async function listen<T extends Server>(server: T): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  const only = (...allowedHosts: string[]) => ({ ...CONNECTION_LIMITS, attempts: 1, connectTimeoutMs: 1_000, allowedHosts });

  it('of Postgres is not even begun where it may not lead', async () => {
    let connected = 0;
    const port = await listen(createServer((socket) => void (connected++, socket.destroy())));
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '127.1', '::ffff:127.0.0.1']) {
      for (const sslmode of ['disable', 'prefer', 'verify-full'] as const) {
        const source = createPostgresSource(
          { host, port, user: 'u', database: 'd', sslmode },
          's3cret',
          only('db.example', '10.0.0.0/8'),
        );
        await expect(source.query('select 1')).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
        await source.close();
      }
    }
    expect(connected).toBe(0);
    const allowed = createPostgresSource(
      { host: '127.0.0.1', port, user: 'u', sslmode: 'disable' },
      's3cret',
      only('127.0.0.0/8'),
    );
    await expect(allowed.query('select 1')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    await allowed.close();
    expect(connected).toBe(1);
    const socket = createPostgresSource({ host: '/run/nowhere', user: 'u' }, undefined, only('db.example'));
    await expect(socket.query('select 1')).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
  });

  it('of Postgres does not go to metadata, whatever is configured', async () => {
    for (const url of [
      'postgres://u:p@169.254.169.254:80/x',
      'postgres://u:p@0xa9fea9fe/x',
      'postgres://u:p@db.example/x?host=169.254.169.254',
      'postgres://db.example%40x:p@2852039166/x',
      'postgres://u:p@[::ffff:a9fe:a9fe]/x',
      'postgres://u:p@metadata.google.internal/x',
    ]) {
      const { options, secret } = parseDatabaseUrl(new URL(url));
      const source = createPostgresSource(options, secret, { ...CONNECTION_LIMITS, connectTimeoutMs: 1_000 });
      await expect(source.query('select 1')).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
      await source.close();
    }
  });

  it('of S3 neither goes where it may not, nor follows a redirect there', async () => {
    const asked: string[] = [];
    const metadata = await listen(
      createHttpServer((request, answer) => void (asked.push(`metadata ${request.url}`), answer.end())),
    );
    const port = await listen(
      createHttpServer((request, answer) => {
        asked.push('bucket');
        answer
          .writeHead(307, { location: `http://127.0.0.1:${metadata}${request.url ?? ''}`, 'x-amz-bucket-region': 'evil' })
          .end();
      }),
    );
    const list = async (endpoint: string, limits: ConnectionLimits = only()) => {
      const store = createS3Store({ endpoint, accessKeyId: 'AK', region: 'us-east-1' }, 's3cret', limits);
      try {
        for await (const _ of store.list('s3://bucket/x/')) break;
      } finally {
        store.close();
      }
    };
    for (const endpoint of [
      'http://169.254.169.254',
      'http://0xa9fea9fe',
      'http://[::ffff:a9fe:a9fe]',
      'https://[fd00:ec2::254]',
      'http://metadata.google.internal',
    ])
      await expect(list(endpoint, CONNECTION_LIMITS)).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
    await expect(list(`http://127.0.0.1:${port}`, only('db.example'))).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
    await expect(list(`http://localhost:${port}`, only('10.0.0.0/8'))).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
    expect(asked).toEqual([]);
    await expect(list(`http://127.0.0.1:${port}`, only('127.0.0.1'))).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(new Set(asked)).toEqual(new Set(['bucket']));
  });

  it('goes to the address that was judged, so that a name cannot change its meaning in between', async () => {
    const found = await new Promise((resolve) => {
      guardedLookup(hostRules(['127.0.0.0/8', '::1']))('localhost', { all: true }, (error, all) => resolve(error ?? all));
    });
    expect(found).toEqual(
      expect.arrayContaining([expect.objectContaining({ address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) })]),
    );
    const refused = await new Promise((resolve) => {
      guardedLookup(hostRules(['10.0.0.0/8']))('localhost', {}, (error) => resolve(error));
    });
    expect(refused).toMatchObject({ code: 'HOST_NOT_ALLOWED' });
  });
});

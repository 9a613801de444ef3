import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  type AttributeValue,
  type CreateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import { until } from '../until.ts';
import { cacheFolder } from './cache.ts';
import dynalite from 'dynalite';

const run = promisify(execFile);

/** A server that speaks DynamoDB's protocol, with no tables in it when it was started here. */
export interface TestDynamodb {
  readonly url: string;
  readonly client: DynamoDBClient;
  /** Dynalite has neither times to live nor streams. */
  readonly isDynalite: boolean;
  createTable(name: string, table: Omit<CreateTableCommandInput, 'TableName'>): Promise<void>;
  put(table: string, items: readonly Record<string, AttributeValue>[]): Promise<void>;
  dropTable(name: string): Promise<void>;
  close(): Promise<void>;
}

/** For the hook that calls `openTestDynamodb`: the first time on a machine it fetches. */
export const DYNAMODB_HOOK_TIMEOUT_MS = 300_000;

export const DYNAMODB_KEYS = { accessKeyId: 'test', secretAccessKey: 'test-secret' };

/** Of the versions for Java 17; later ones want a newer Java. */
const VERSION = '2.6.1';

/** In this order: TEST_DYNAMODB_URL; Amazon's DynamoDB Local, fetched from Maven Central into the cache; dynalite from npm. */
export async function openTestDynamodb(): Promise<TestDynamodb> {
  const { TEST_DYNAMODB_URL: url } = process.env;
  if (url !== undefined) return connectTo(url, false, async () => {});
  const jars = await fetchJars();
  return jars === undefined ? startDynalite() : startLocal(jars);
}

async function startLocal(jars: string): Promise<TestDynamodb> {
  const port = await freePort();
  const args = [
    '-Xmx512m',
    `-Djava.library.path=${jars}`,
    '-cp',
    join(jars, '*'),
    'com.amazonaws.services.dynamodbv2.local.main.ServerRunner',
    '-inMemory',
    '-sharedDb',
    '-disableTelemetry',
    '-port',
    String(port),
  ];
  // The shell waits on our end of the pipe: the server goes when this process does, however it ends.
  // It writes a file with an id of its installation into the folder that it runs in.
  const shell = spawn('sh', ['-c', 'java "$@" >/dev/null 2>&1 & cat >/dev/null; kill -9 $!', 'sh', ...args], {
    cwd: jars,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return connectTo(`http://127.0.0.1:${port}`, false, async () => {
    const ended = shell.exitCode === null && new Promise((resolve) => shell.once('exit', resolve));
    shell.stdin.end();
    await ended;
  });
}

async function startDynalite(): Promise<TestDynamodb> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return connectTo(`http://127.0.0.1:${port}`, true, async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
}

async function connectTo(url: string, isDynalite: boolean, stop: () => Promise<void>): Promise<TestDynamodb> {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const client = new DynamoDBClient({ endpoint: url, region: 'us-east-1', credentials: DYNAMODB_KEYS });
  await until(
    `the DynamoDB at ${url} answers`,
    () =>
      client.send(new ListTablesCommand({})).then(
        () => true,
        () => false,
      ),
    60_000,
  );
  return {
    url,
    client,
    isDynalite,
    async createTable(name, table) {
      await client.send(new CreateTableCommand({ TableName: name, BillingMode: 'PAY_PER_REQUEST', ...table }));
      await until(`the table ${name} is there`, async () => {
        const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
        return Table?.TableStatus === 'ACTIVE';
      });
    },
    async put(table, items) {
      const batches = Array.from({ length: Math.ceil(items.length / 25) }, (_, i) => items.slice(i * 25, i * 25 + 25));
      const lane = async () => {
        for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
          const puts = batch.map((Item) => ({ PutRequest: { Item } }));
          await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
        }
      };
      await Promise.all([lane(), lane(), lane(), lane()]);
    },
    async dropTable(name) {
      await client.send(new DeleteTableCommand({ TableName: name }));
    },
    async close() {
      client.destroy();
      await stop();
    },
  };
}

/** Undefined where there is no Java, no Maven, or no network. Whoever comes first fetches; who comes meanwhile, too, for nothing. */
async function fetchJars(): Promise<string | undefined> {
  const target = join(cacheFolder('dynamodb'), `local-${VERSION}`);
  try {
    await run('java', ['-version']);
    if (existsSync(target)) return target;
    const folder = mkdtempSync(`${target}.fetch-`);
    try {
      console.error(`Fetching DynamoDB Local ${VERSION} into ${target}; this happens once.`);
      writeFileSync(join(folder, 'pom.xml'), POM);
      await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars', '-DincludeScope=runtime'], {
        cwd: folder,
        timeout: DYNAMODB_HOOK_TIMEOUT_MS,
      });
      if (!existsSync(target)) renameSync(join(folder, 'jars'), target);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return target;
  } catch {
    return existsSync(target) ? target : undefined;
  }
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>tenon.test</groupId><artifactId>dynamodb-local</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>com.amazonaws</groupId><artifactId>DynamoDBLocal</artifactId><version>${VERSION}</version></dependency>
  </dependencies>
</project>`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

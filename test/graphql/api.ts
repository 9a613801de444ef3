import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute, parse, validate, type ExecutionResult } from 'graphql';
import { fileCrawler } from '../../crawlers/file.ts';
import { postgresCrawler } from '../../crawlers/postgres.ts';
import { s3Crawler } from '../../crawlers/s3.ts';
import { LIMIT_RULES } from '../../graphql/limits.ts';
import { createLoaders } from '../../graphql/loaders.ts';
import { schema } from '../../graphql/schema.ts';
import { getPrincipal } from '../../src/access/principals.ts';
import { loadConfig } from '../../src/config.ts';
import { TenonError } from '../../src/model/errors.ts';
import type { Principal } from '../../src/model/principal.ts';
import { openTenon, type Tenon } from '../../src/tenon.ts';
import { openTestDb } from '../servers/postgres.ts';

export interface TestApi {
  readonly tenon: Tenon;
  readonly folder: string;
  /** The answer as admin, or as who is given. Throws the first error as it was thrown. */
  ask<T>(query: string, variables?: Record<string, unknown>, as?: Principal): Promise<T>;
  close(): Promise<void>;
}

export const READER: Principal = { id: 'reader', name: 'reader', role: 'reader' };

const SILENT = { info() {}, warn() {}, error() {} };

/** A whole Tenon on a database of its own, asked in process. */
export async function openTestApi(): Promise<TestApi> {
  const testDb = await openTestDb();
  const folder = await mkdtemp(join(tmpdir(), 'tenon-api-'));
  const config = loadConfig({ dataDir: join(folder, 'data'), env: { TENON_DATABASE_URL: testDb.url } });
  const tenon = await openTenon(config, { crawlers: [fileCrawler, s3Crawler, postgresCrawler], log: SILENT });
  if (tenon === undefined) throw new Error('Somebody else owns the test’s own database.');
  // A run goes on as the principal that it was started by, so it must be one that exists.
  const admin = await getPrincipal(tenon.ground.db, 'admin');
  return {
    tenon,
    folder,
    ask: (query, variables, as = admin) => ask(tenon, query, variables, as),
    async close() {
      await tenon.close();
      await testDb.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ask<T>(tenon: Tenon, query: string, variables: Record<string, unknown> | undefined, as: Principal): Promise<T> {
  const document = parse(query);
  const [mistake] = [...validate(schema, document), ...validate(schema, document, LIMIT_RULES)];
  if (mistake !== undefined) throw mistake;
  const contextValue = { tenon, as, loaders: createLoaders(tenon, as) };
  const result: ExecutionResult = await execute({
    schema,
    document,
    contextValue,
    ...(variables && { variableValues: variables }),
  });
  const [error] = result.errors ?? [];
  if (error !== undefined) throw error.originalError instanceof TenonError ? error.originalError : error;
  return plain(result.data) as T;
}

/** As it arrives over HTTP: graphql-js makes objects without a prototype. */
function plain(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data));
}

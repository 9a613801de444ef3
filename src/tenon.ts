import { join } from 'node:path';
import type pg from 'pg';
import { v7 as newId } from 'uuid';
import { ensureLocalToken } from './access/local-token.ts';
import { openSecrets } from './access/secrets.ts';
import type { Config } from './config.ts';
import type { Connections } from './connections/connections.ts';
import { createConnections } from './connections/open-connections.ts';
import type { Crawler } from './crawl/crawler.ts';
import { createNotices, type Notices } from './crawl/notices.ts';
import { createCrawlRun } from './crawl/run.ts';
import type { Ground } from './db/db.ts';
import { migrate } from './db/migrate.ts';
import { openDb } from './db/open-db.ts';
import { claimDirectory, ownDirectory, type Claim } from './db/own.ts';
import { createDuckdbEngine } from './etl/engines/duckdb.ts';
import { createJobRun, type JobRunDeps } from './etl/run.ts';
import { createStage } from './etl/stage.ts';
import { followCatalog } from './search/indexer.ts';
import { openPostgresIndex } from './search/postgres.ts';
import type { SearchIndex } from './search/search-index.ts';
import type { Log } from './work/log.ts';
import { createWork, type Work } from './work/work.ts';

/** Everything that the doors (GraphQL, HTTP) hand to the verbs. */
export interface Tenon {
  readonly config: Config;
  readonly ground: Ground;
  readonly pool: pg.Pool;
  readonly connections: Connections;
  /** The crawler kinds that this process knows. */
  readonly crawlers: readonly Crawler[];
  readonly work: Work;
  /** What sources tell about themselves. */
  readonly notices: Notices;
  readonly search: SearchIndex;
  /** What jobs and SQL stand on. */
  readonly jobs: JobRunDeps;
  /** The first admin's token, at the first start only. */
  readonly firstToken: string | undefined;
  readonly log: Log;
  /** Ends what is under way (runs go back to the queue), then the followers, the connections and the database. */
  close(): Promise<void>;
}

export interface TenonOptions {
  readonly crawlers: readonly Crawler[];
  readonly log: Log;
  /** Called when the ownership is lost while we live: stop serving at once, another process may have taken over. */
  readonly onLost?: (error: Error) => void;
}

/**
 * Opens a Tenon: its database (embedded in the data directory, or by URL), brought up to date; its secrets, connections
 * and search; and begins to take on runs. Undefined when another process owns the directory: ask that one.
 */
export async function openTenon(config: Config, options: TenonOptions): Promise<Tenon | undefined> {
  const claim = await claimDatabase(config, options.onLost);
  if (!claim.owned) return undefined;
  try {
    return await wire(config, options, claim);
  } catch (error) {
    await claim.close();
    throw error;
  }
}

type Owned = { readonly url: string; close(): Promise<void> };

async function claimDatabase(
  config: Config,
  onLost: TenonOptions['onLost'],
): Promise<(Owned & { owned: true }) | { owned: false }> {
  if (config.databaseUrl === undefined) return claimDirectory(config.dataDir, onLost) satisfies Promise<Claim>;
  const ownership = await ownDirectory(config.databaseUrl, onLost);
  if (!ownership.owned) return ownership;
  return { owned: true, url: config.databaseUrl, close: () => ownership.release() };
}

async function wire(config: Config, { crawlers, log }: TenonOptions, claim: Owned): Promise<Tenon> {
  await migrate(claim.url);
  const { db, pool, close: closeDb } = await openDb({ url: claim.url });
  const ground: Ground = { db, clock: () => new Date(), newId: () => newId() };
  const { first: firstToken } = await ensureLocalToken(ground, join(config.dataDir, 'admin-token'));
  const secrets = openSecrets(secretSource(config));
  const connections = createConnections({ ground, secrets, limits: config.connections });
  const search = openPostgresIndex(db);
  const stage = createStage({ folder: join(config.dataDir, 'cache'), maxBytes: config.engine.cacheBytes });
  const jobs: JobRunDeps = {
    ground,
    connections,
    engine: createDuckdbEngine(),
    config,
    stage,
    workDir: join(config.dataDir, 'work'),
  };
  const work = createWork({ ground, pool, config, log });
  work.register('crawl', createCrawlRun({ ground, connections, crawlers, config }));
  work.register('job', createJobRun(jobs));
  const following = new AbortController();
  const indexing = followCatalog(ground, search, {
    signal: following.signal,
    maxColumns: config.limits.columns,
    log: (level, message, fields = {}) => log[level](fields, message),
  });
  await work.start({ exclusive: true });
  const notices = createNotices({ ground, crawlers, work, config, log });
  await notices.start();
  return {
    config,
    ground,
    pool,
    connections,
    crawlers,
    work,
    notices,
    search,
    jobs,
    firstToken,
    log,
    async close() {
      await notices.close();
      await work.close();
      following.abort();
      await indexing;
      await connections.close();
      await closeDb();
      await claim.close();
    },
  };
}

function secretSource(config: Config): { key: string } | { keyFile: string } {
  const key = process.env['TENON_SECRET_KEY'];
  return key === undefined ? { keyFile: config.keyFile ?? join(config.dataDir, 'secret-key') } : { key };
}

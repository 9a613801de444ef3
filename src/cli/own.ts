import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLSchema } from 'graphql';
import pino from 'pino';
import { SYSTEM } from '../access/principals.ts';
import type { Config } from '../config.ts';
import type { Crawler } from '../crawl/crawler.ts';
import { loadPlugins } from '../crawl/plugins.ts';
import type { Server } from '../server/server.ts';
import { openTenon, type Tenon } from '../tenon.ts';
import { OPEN_STATES } from '../work/run.ts';
import { CLIENT_HEADER } from './api-client.ts';
import { apiSocket, makeSocketFolder } from './api-socket.ts';
import { keepHeapSmall } from './small-heap.ts';

/** What the entry hands in: the sources and the schema that this program has. */
export interface Parts {
  readonly crawlers: readonly Crawler[];
  /** Only for who becomes the owner; it is loaded while the database starts. */
  loadSchema(): Promise<GraphQLSchema>;
  readonly version: string;
}

export interface Owner {
  readonly tenon: Tenon;
  /** Listens on the directory's socket, and wherever else it is told to. */
  readonly server: Server;
  /** With `wait`, the preset, not before the runs and questions of other commands that came meanwhile are over. */
  close(options?: { wait?: boolean }): Promise<void>;
}

export interface OwnOptions {
  /** Left out: the configured one. A command that only wants an answer logs less than a server. */
  readonly logLevel?: Config['logLevel'];
  /** Called when another process may have become the owner. */
  readonly onLost?: (error: Error) => void;
}

/** A client polls its run more often than this; an owner that was silent for so long is needed by nobody. */
const SILENCE_MS = 1_000;
/**
 * So long a command that is done goes on serving others at most: while a run is open, and while there are only questions.
 * Whoever is left alone after that becomes the owner, and the run goes on from its checkpoint.
 */
const GRACE_MS = { run: 30_000, questions: 3_000 };

/** Opens a data directory and serves its API on the directory's socket. Undefined when another process owns it. */
export async function ownAndServe(
  config: Config,
  parts: Parts,
  { logLevel, onLost }: OwnOptions = {},
): Promise<Owner | undefined> {
  const plugins = await loadPlugins(config.crawlers, parts.crawlers, [config.dataDir, process.cwd()]);
  const log = pino({ level: logLevel ?? config.logLevel }, pino.destination({ dest: 2, sync: true }));
  const [tenon, { createServer }, schema] = await Promise.all([
    openTenon(config, { crawlers: [...parts.crawlers, ...plugins], log, ...(onLost && { onLost }) }),
    import('../server/server.ts'),
    parts.loadSchema(),
  ]);
  if (tenon === undefined) return undefined;
  const socket = apiSocket(config.dataDir);
  try {
    await makeSocketFolder(socket, config.dataDir);
    const others = watchOthers(tenon);
    const server = await createServer({ tenon, schema, version: parts.version, onRequest: others.notice });
    await server.listen({ socket });
    // Not before all is loaded, which would be cleaned up after many times.
    keepHeapSmall();
    return {
      tenon,
      server,
      close: async ({ wait = true } = {}) => {
        if (wait) await others.gone(server);
        await server.close();
        await tenon.close();
      },
    };
  } catch (error) {
    await tenon.close();
    throw error;
  }
}

/** Knows when another command last asked something. */
function watchOthers({ work }: Tenon) {
  let lastSeen: number | undefined;
  return {
    notice: ({ headers }: { headers: Readonly<Record<string, unknown>> }): void => {
      if (headers[CLIENT_HEADER] !== String(process.pid)) lastSeen = Date.now();
    },
    gone: async ({ open }: Server): Promise<void> => {
      const since = Date.now();
      const asked = (): boolean => lastSeen !== undefined && (open() > 0 || Date.now() - lastSeen < SILENCE_MS);
      while (asked()) {
        const { items: runs } = await work.list(SYSTEM, { states: OPEN_STATES }, { first: 1 });
        if (Date.now() - since > (runs.length > 0 ? GRACE_MS.run : GRACE_MS.questions)) return;
        await sleep(50);
      }
    },
  };
}

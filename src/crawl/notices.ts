import { setTimeout as delay } from 'node:timers/promises';
import { authorize } from '../access/authorize.ts';
import { SYSTEM } from '../access/principals.ts';
import type { Config } from '../config.ts';
import type { Ground } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Log } from '../work/log.ts';
import type { Run } from '../work/run.ts';
import type { Work } from '../work/work.ts';
import type { Crawler } from './crawler.ts';
import { crawlerOfKind, listCrawlers, needCrawler, type CrawlerDefinition } from './crawlers.ts';
import { hasEvents, keepEvents, type SourceEvent } from './events.ts';

/** Takes what sources tell about themselves, and has it looked at soon. */
export interface Notices {
  /** Keeps the events that a crawler covers, and starts a crawl of them. Throws BAD_INPUT when it does not crawl by events. */
  take(as: Principal, crawler: string, events: readonly SourceEvent[]): Promise<Taken>;
  /** Begins with what was left when the process ended. */
  start(): Promise<void>;
  close(): Promise<void>;
}

interface Taken {
  readonly taken: number;
  /** Outside of what the crawler covers. */
  readonly ignored: number;
}

export interface NoticesDeps {
  readonly ground: Ground;
  readonly crawlers: readonly Crawler[];
  readonly work: Pick<Work, 'enqueue' | 'waitFor'>;
  readonly config: Pick<Config, 'crawl'>;
  readonly log: Log;
}

export function createNotices(deps: NoticesDeps): Notices {
  const { ground, config, log } = deps;
  const closing = new AbortController();
  /** Crawlers whose events are being looked at; true: more have come since its crawl was started. */
  const driven = new Map<string, { again: boolean; done: Promise<void> }>();

  function wake(as: Principal, crawler: CrawlerDefinition): void {
    const known = driven.get(crawler.name);
    if (known !== undefined) {
      known.again = true;
      return;
    }
    const drive = { again: true, done: Promise.resolve() };
    driven.set(crawler.name, drive);
    drive.done = look(as, crawler, drive)
      .catch((error: unknown) => {
        if (!closing.signal.aborted) log.warn({ err: error, crawler: crawler.name }, 'Events could not be looked at; they wait');
      })
      .finally(() => driven.delete(crawler.name));
  }

  /** Crawls as long as something comes; after a crawl that did not go well only when something new has come. */
  async function look(as: Principal, crawler: CrawlerDefinition, drive: { again: boolean }): Promise<void> {
    for (;;) {
      await delay(config.crawl.eventDelayMs, undefined, { signal: closing.signal });
      drive.again = false;
      const { runId, joined } = await startOrJoin(deps.work, as, crawler.name);
      const run = await deps.work.waitFor(runId, closing.signal);
      const more = run.state === 'SUCCEEDED' && (await hasEvents(ground.db, crawler.id));
      if (!drive.again && !joined && !more) return;
    }
  }

  return {
    async take(as, name, events) {
      const crawler = await needCrawler(ground.db, as, name);
      authorize(as, 'write', `the crawler ${crawler.name}`);
      if (crawler.settings.recrawl !== 'events') {
        throw new TenonError('BAD_INPUT', `The crawler «${crawler.name}» takes no events: its setting recrawl is not «events».`);
      }
      const kind = crawlerOfKind(deps.crawlers, crawler.kind);
      const options = kind.parse(crawler.options);
      const covered = events.filter(({ location }) => isCovered(() => kind.covers(options, location)));
      if (covered.length > 0) {
        const lost = await keepEvents(ground, crawler.id, covered, config.crawl.eventsWaiting);
        if (lost) log.warn({ crawler: crawler.name }, 'Too many events wait; the next crawl looks at everything');
        wake(as, crawler);
      }
      return { taken: covered.length, ignored: events.length - covered.length };
    },
    async start() {
      for (let after: string | undefined; ;) {
        const page = await listCrawlers(ground.db, SYSTEM, { first: 100, after });
        for (const { item } of page.items) {
          if (item.settings.recrawl === 'events' && (await hasEvents(ground.db, item.id))) wake(SYSTEM, item);
        }
        if (!page.hasNextPage) return;
        after = page.items.at(-1)?.cursor;
      }
    },
    async close() {
      closing.abort();
      await Promise.all([...driven.values()].map(({ done }) => done));
    },
  };
}

/** `joined`: it was under way already, and may not see what came last. One that waits still will. */
async function startOrJoin(work: NoticesDeps['work'], as: Principal, name: string): Promise<{ runId: string; joined: boolean }> {
  try {
    const run: Run = await work.enqueue(as, { kind: 'crawl', name, params: {} });
    return { runId: run.id, joined: false };
  } catch (error) {
    const { runId, state } = error instanceof TenonError && error.code === 'ALREADY_RUNNING' ? error.details : {};
    if (typeof runId !== 'string') throw error;
    return { runId, joined: state !== 'QUEUED' };
  }
}

/** A location may be none at all for this kind. */
function isCovered(covers: () => boolean): boolean {
  try {
    return covers();
  } catch {
    return false;
  }
}

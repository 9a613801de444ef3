import type { Db } from '../db/db.ts';
import type { Run } from '../work/run.ts';
import type { CrawlContext, Crawler, Part } from './crawler.ts';
import type { CrawlerDefinition } from './crawlers.ts';
import { isSeenWhole, takeEvents, type TakenEvents } from './events.ts';
import type { Known } from './known.ts';
import { wholeLakeTables } from './lake-parts.ts';
import { findNewFolders } from './new-folders.ts';

/** What a crawl looks at. */
export interface Look {
  readonly mode: 'everything' | 'new-folders' | 'events';
  /** Undefined: everything. */
  readonly parts: readonly Part[] | undefined;
  /** Those that this crawl makes good, in whatever mode. */
  readonly events: TakenEvents | undefined;
}

export interface LookContext {
  readonly db: Db;
  readonly run: Run;
  readonly definition: CrawlerDefinition;
  readonly crawler: Crawler;
  readonly options: unknown;
  readonly scope: string;
  readonly known: Known;
  readonly eventsACrawl: number;
}

/**
 * The first crawl of a definition looks at everything, and so does one that is told to (`everything: true`). The later ones do
 * as the setting `recrawl` says.
 */
export async function decideLook(context: LookContext, crawl: CrawlContext): Promise<Look> {
  const { db, run, definition, crawler, options, known } = context;
  const { recrawl } = definition.settings;
  const { tree } = crawler;
  if (tree === undefined || recrawl === 'everything') return { mode: 'everything', parts: undefined, events: undefined };
  const events = recrawl === 'events' ? await takeEvents(db, definition.id, tree.root(options), context.eventsACrawl) : undefined;
  if (run.params['everything'] === true || !(await isSeenWhole(db, definition.id, context.scope))) {
    return { mode: 'everything', parts: undefined, events };
  }
  const whole = (parts: readonly Part[]): readonly Part[] => wholeLakeTables(parts, known.tables.values(), tree.root(options));
  if (events !== undefined) return { mode: 'events', parts: whole(events.parts), events };
  return { mode: 'new-folders', parts: whole(await findNewFolders(tree, options, crawl, known)), events: undefined };
}

/** For the log: whether events were consumed, or the source was listed. */
export function lookText({ mode, parts, events }: Look): string {
  if (mode === 'events') {
    return parts?.length === 0
      ? 'Running in event mode: no events wait, so nothing is listed.'
      : `Running by consuming ${events?.count ?? 0} events: ${parts?.length ?? 0} folders are listed.`;
  }
  if (mode === 'new-folders') return `Running in new folders only: ${parts?.length ?? 0} folders are new.`;
  return events === undefined
    ? 'Running in list mode.'
    : `Running in list mode: everything is listed, and ${events.count} events are made good by it.`;
}

import { isDeepStrictEqual } from 'node:util';
import { and, asc, eq, gt, isNull } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { crawlers } from '../db/tables/crawl.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import { checkName, foldName } from '../model/names.ts';
import type { Principal } from '../model/principal.ts';
import { textBefore, textPage } from '../model/text-pages.ts';
import type { Crawler } from './crawler.ts';
import { forgetScopes } from './events.ts';
import { parseSettings, type CrawlSettings } from './settings.ts';

/** What is to be crawled, and into which database. A changed definition is a new row; its name stays. */
export interface CrawlerDefinition {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  /** As the crawler's `parse` accepted them; without secrets. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly connection: string | undefined;
  readonly database: string;
  readonly description: string | undefined;
  readonly settings: CrawlSettings;
}

export interface CrawlerDraft {
  readonly name: string;
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly connection?: string | undefined;
  readonly database: string;
  readonly description?: string | undefined;
  /** As `settings.ts` reads them. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
}

/** Rows of a crawler carry this as their owner: only it may find them missing. */
export function ownerOf(crawler: Pick<CrawlerDefinition, 'name'>): string {
  return `crawler:${crawler.name}`;
}

/**
 * Makes a crawler or changes it; the same definition again writes nothing. Throws BAD_INPUT for a kind that there is not
 * (`kinds` are those that run here) and for options that the kind does not accept.
 */
export async function defineCrawler(w: Write, draft: CrawlerDraft, kinds: readonly Crawler[]): Promise<CrawlerDefinition> {
  const name = foldName(checkName(draft.name, 'crawler'));
  authorize(w.by.principal, 'write', `the crawler ${name}`);
  crawlerOfKind(kinds, draft.kind).parse(draft.options);
  checkRecrawl(parseSettings(draft.settings), crawlerOfKind(kinds, draft.kind));
  const wanted = {
    name,
    kind: draft.kind,
    options: { ...draft.options },
    connection: draft.connection ?? null,
    database: foldName(checkName(draft.database, 'database')),
    description: draft.description ?? null,
    settings: { ...draft.settings },
  };
  const before = await readCrawler(w.tx, name);
  if (
    before !== undefined &&
    JSON.stringify(definitionToJson(before)) === JSON.stringify(definitionToJson(definitionOf({ id: '', ...wanted })))
  ) {
    return before;
  }
  if (before !== undefined) checkFrozen(before, wanted);
  // One id for all definitions of a name, so that its history and its scopes stay together.
  const id = before?.id ?? w.newId();
  const entry = await w.entry({ id });
  if (before === undefined) await w.tx.insert(crawlers).values({ id, ...wanted, added: entry.position });
  else {
    await w.tx.update(crawlers).set(wanted).where(eq(crawlers.id, id));
    // What it saw, it saw as it was defined then: the next crawl looks at everything.
    await forgetScopes(w.tx, id);
  }
  const after = definitionOf({ id, ...wanted });
  entry.note({
    kind: 'crawler.defined',
    after: definitionToJson(after),
    ...(before !== undefined && { before: definitionToJson(before) }),
  });
  return after;
}

function checkRecrawl({ recrawl }: CrawlSettings, { kind, tree }: Crawler): void {
  if (recrawl !== 'everything' && tree === undefined)
    throw new TenonError('BAD_INPUT', `recrawl: a crawler of the kind «${kind}» always looks at everything.`);
}

type Frozen = Pick<CrawlerDraft, 'kind' | 'options' | 'settings'> & { readonly connection?: string | null };

/** As with Glue: what is new is told by what is known, so what is looked at stays the same. */
function checkFrozen(before: CrawlerDefinition, wanted: Frozen): void {
  if (before.settings.recrawl !== 'new-folders' || wanted.settings?.['recrawl'] !== 'new-folders') return;
  // Another connection may lead to another place.
  const isThere = before.kind === wanted.kind && before.connection === (wanted.connection ?? undefined);
  if (isThere && isDeepStrictEqual(before.options, wanted.options)) return;
  throw new TenonError(
    'BAD_INPUT',
    `The crawler «${before.name}» looks at new folders only, so what it looks at cannot be changed. Let it look at everything first.`,
  );
}

/** Ends a crawler. What it recorded stays, and may be dropped by the API. Throws NOT_FOUND. */
export async function dropCrawler(w: Write, crawlerName: string): Promise<void> {
  const name = foldName(crawlerName);
  authorize(w.by.principal, 'write', `the crawler ${name}`);
  const before = await readCrawler(w.tx, name);
  if (before === undefined) throw noCrawler(name);
  const entry = await w.entry({ id: before.id });
  await w.tx.update(crawlers).set({ ended: entry.position }).where(eq(crawlers.id, before.id));
  entry.note({ kind: 'crawler.dropped', before: definitionToJson(before) });
}

export async function findCrawler(db: Db, as: Principal, name: string): Promise<CrawlerDefinition | undefined> {
  authorize(as, 'read', `the crawler ${foldName(name)}`);
  return readCrawler(db, foldName(name));
}

/** Throws NOT_FOUND. */
export async function needCrawler(db: Db, as: Principal, name: string): Promise<CrawlerDefinition> {
  const found = await findCrawler(db, as, name);
  if (found === undefined) throw noCrawler(name);
  return found;
}

/** In the order of their names. */
export async function listCrawlers(db: Db, as: Principal, page: PageRequest): Promise<Page<CrawlerDefinition>> {
  authorize(as, 'read', 'the crawlers');
  const before = textBefore(page);
  const rows = await db
    .select()
    .from(crawlers)
    .where(and(isNull(crawlers.ended), before === undefined ? undefined : gt(crawlers.name, before)))
    .orderBy(asc(crawlers.name))
    .limit(page.first + 1);
  return textPage(rows, page, (row) => row.name, definitionOf);
}

/** Throws BAD_INPUT with the kinds that there are. */
export function crawlerOfKind(kinds: readonly Crawler[], kind: string): Crawler {
  const found = kinds.find((crawler) => crawler.kind === kind);
  if (found !== undefined) return found;
  const known = kinds.map((crawler) => crawler.kind).join(', ');
  throw new TenonError('BAD_INPUT', `There is no crawler of the kind «${kind.slice(0, 100)}»; there are ${known}.`, {
    kind: kind.slice(0, 100),
  });
}

async function readCrawler(db: Db, name: string): Promise<CrawlerDefinition | undefined> {
  const [row] = await db
    .select()
    .from(crawlers)
    .where(and(eq(crawlers.name, name), isNull(crawlers.ended)));
  return row === undefined ? undefined : definitionOf(row);
}

type Row = Omit<typeof crawlers.$inferSelect, 'added' | 'ended'>;

function definitionOf({ id, name, kind, options, connection, database, description, settings }: Row): CrawlerDefinition {
  const texts = { connection: connection ?? undefined, description: description ?? undefined };
  return { id, name, kind, options, database, ...texts, settings: parseSettings(settings) };
}

/** As the log shows it. Keys in one order, so that equal definitions have equal text. */
function definitionToJson({
  name,
  kind,
  options,
  connection,
  database,
  description,
  settings,
}: CrawlerDefinition): Record<string, unknown> {
  const sorted = Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    name,
    kind,
    options: sorted,
    database,
    ...(connection !== undefined && { connection }),
    ...(description !== undefined && { description }),
    settings,
  };
}

function noCrawler(name: string): TenonError {
  return new TenonError('NOT_FOUND', `There is no crawler «${name.slice(0, 255)}».`, { crawler: name.slice(0, 255) });
}

import {
  defineCrawler,
  dropCrawler,
  findCrawler,
  listCrawlers,
  needCrawler,
  type CrawlerDefinition,
} from '../src/crawl/crawlers.ts';
import { TenonError } from '../src/model/errors.ts';
import type { Tenon } from '../src/tenon.ts';
import { isEnded, type Run } from '../src/work/run.ts';
import { builder } from './builder.ts';
import { inWrite } from './in-write.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';
import { readObject } from './parameters.ts';
import { RunRef } from './run.ts';

const CrawlerStateRef = builder.enumType('CrawlerState', {
  description: 'Whether a crawler is at work.',
  values: {
    READY: { description: 'No crawl of it is under way.' },
    RUNNING: { description: 'A crawl of it waits for its turn or is under way.' },
    STOPPING: { description: 'Somebody has stopped its crawl, which is about to notice.' },
  } as const,
});

const CrawlerRef = builder.objectRef<CrawlerDefinition>('Crawler').implement({
  description: 'What is to be crawled, and into which database.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'In lower case. What it records carries the owner `crawler:<name>`.' }),
    kind: t.exposeString('kind', { description: '`file`, `s3`, `postgres` or that of a plug-in.' }),
    options: t.field({
      type: 'JSON',
      description: 'An object whose fields belong to the kind. Never with a secret.',
      resolve: ({ options }) => options,
    }),
    connection: t.string({
      nullable: true,
      description: 'The connection that it uses, if it names one.',
      resolve: ({ connection }) => connection,
    }),
    database: t.exposeString('database', { description: 'The database that its tables go into.' }),
    settings: t.field({
      type: 'JSON',
      description: 'An object: grouping, policies, what is crawled again; whatever the kind.',
      resolve: ({ settings }) => settings,
    }),
    description: t.string({
      nullable: true,
      description: 'What somebody wrote about it.',
      resolve: ({ description }) => description,
    }),
    state: t.field({
      type: CrawlerStateRef,
      description: 'Whether it is at work.',
      resolve: async ({ name }, _, { loaders }) => stateOf(await loaders.lastCrawl.load(name)),
    }),
    lastRun: t.field({
      type: RunRef,
      nullable: true,
      description: 'Its newest crawl; null when there was none. `runs` with its name has the others.',
      resolve: async ({ name }, _, { loaders }) => (await loaders.lastCrawl.load(name)) ?? null,
    }),
  }),
});

function stateOf(run: Pick<Run, 'state'> | undefined): 'READY' | 'RUNNING' | 'STOPPING' {
  if (run === undefined || isEnded(run)) return 'READY';
  return run.state === 'STOPPING' ? 'STOPPING' : 'RUNNING';
}

const CrawlerConnection = builder.connectionObject(
  { type: CrawlerRef, name: 'CrawlerConnection', description: 'A page of crawlers.' },
  { name: 'CrawlerEdge', description: 'A crawler in a list.' },
);

builder.queryFields((t) => ({
  crawler: t.field({
    type: CrawlerRef,
    nullable: true,
    description: 'The crawler of this name; null when there is none.',
    args: { name: t.arg.string({ required: true, description: 'Its name, in any case.' }) },
    resolve: (_, { name }, { tenon, as }) => findCrawler(tenon.ground.db, as, name),
  }),
  crawlers: t.field({
    type: CrawlerConnection,
    description: 'All crawlers, by name.',
    args: pageArgs(t),
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await listCrawlers(tenon.ground.db, as, pageOf(args, tenon.config.limits)), args, same),
  }),
}));

const CrawlerInput = builder.inputType('CrawlerInput', {
  description: 'A crawler to define: by `url`, or by `kind` and `options`.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Its name; it is kept in lower case. The same name again changes that crawler.',
    }),
    url: t.string({
      description:
        '`file:///folder`, `s3://bucket/prefix`, `postgres://host/database`, without a password: that belongs into a connection.',
    }),
    kind: t.string({ description: '`file`, `s3`, `postgres` or that of a plug-in.' }),
    options: t.field({ type: 'JSON', description: 'An object whose fields belong to the kind; they add to those of the URL.' }),
    connection: t.string({ description: 'The name of the connection to use.' }),
    database: t.string({ required: true, description: 'The database that its tables go into; it is made when a crawl begins.' }),
    description: t.string({ description: 'What it is for.' }),
    settings: t.field({
      type: 'JSON',
      description: 'An object: grouping, policies, what is crawled again; docs/crawlers.md lists them.',
    }),
  }),
});

builder.mutationFields((t) => ({
  defineCrawler: t.field({
    type: CrawlerRef,
    description: 'Makes a crawler or changes it; the same definition again changes nothing.',
    args: { crawler: t.arg({ type: CrawlerInput, required: true, description: 'What it is to be.' }) },
    resolve: (_, { crawler }, context) =>
      inWrite(context, (w) => {
        const { name, database, connection, description } = crawler;
        const source = sourceOf(context.tenon, crawler);
        const settings = isGiven(crawler.settings) ? readObject(crawler.settings, 'settings') : undefined;
        const texts = { connection: connection ?? undefined, description: description ?? undefined };
        const draft = { name, database, ...source, ...texts, settings };
        return defineCrawler(w, draft, context.tenon.crawlers);
      }),
  }),
  dropCrawler: t.field({
    type: CrawlerRef,
    description: 'Ends a crawler and returns it as it was. The tables that it recorded stay.',
    args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: (_, { name }, context) =>
      inWrite(context, async (w) => {
        const crawler = await needCrawler(w.tx, context.as, name);
        await dropCrawler(w, name);
        return crawler;
      }),
  }),
  startCrawl: t.field({
    type: RunRef,
    description: 'Puts a crawl into the queue. ALREADY_RUNNING, with `details.runId`, while one of this crawler waits or runs.',
    args: {
      crawler: t.arg.string({ required: true, description: 'Its name.' }),
      acceptRemovals: t.arg.boolean({ defaultValue: false, description: 'Removes also what would be parked as a mass removal.' }),
      everything: t.arg.boolean({
        defaultValue: false,
        description: 'Looks at everything, whatever its setting `recrawl` says.',
      }),
      budget: t.arg.int({ description: 'How many requests it may make; then it stops cleanly, and the rest is unknown.' }),
    },
    resolve: async (_, { crawler, acceptRemovals, everything, budget }, { tenon, as }) => {
      const { name } = await needCrawler(tenon.ground.db, as, crawler);
      if (isGiven(budget) && Number(budget) < 1)
        throw new TenonError('BAD_INPUT', 'The budget of a crawl is at least 1 request.');
      const params = {
        acceptRemovals: acceptRemovals ?? false,
        ...(everything === true && { everything }),
        ...(isGiven(budget) && { budget }),
      };
      return tenon.work.enqueue(as, { kind: 'crawl', name, params });
    },
  }),
}));

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

interface Source {
  readonly url?: string | null | undefined;
  readonly kind?: string | null | undefined;
  readonly options?: unknown;
}

function sourceOf(tenon: Tenon, { url, kind, options }: Source): { kind: string; options: Record<string, unknown> } {
  const given = isGiven(options) ? readObject(options, 'options') : {};
  if (typeof url === 'string') {
    const found = sourceOfUrl(tenon, url);
    return { kind: found.kind, options: { ...found.options, ...given } };
  }
  if (typeof kind === 'string') return { kind, options: given };
  throw new TenonError('BAD_INPUT', 'A crawler needs a «url», or a «kind» with its «options».');
}

/** What the crawler that knows such URLs makes of it. A password in it is refused: the log would keep it for ever. */
function sourceOfUrl(tenon: Tenon, text: string): { kind: string; options: Record<string, unknown> } {
  if (!URL.canParse(text))
    throw new TenonError('BAD_INPUT', 'The URL of a crawler is not a URL; a folder is written as file:///folder.');
  const url = new URL(text);
  for (const { kind, fromUrl } of tenon.crawlers) {
    const found = fromUrl(url);
    if (found === undefined) continue;
    if (found.secret === undefined) return { kind, options: found.options };
    throw new TenonError(
      'BAD_INPUT',
      'The URL of a crawler may not have a password: define a connection with it, and name the connection.',
    );
  }
  const known = tenon.crawlers.map(({ kind }) => kind).join(', ');
  throw new TenonError('BAD_INPUT', `No crawler knows URLs like ${url.protocol}//…; there are crawlers for ${known}.`);
}

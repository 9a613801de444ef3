import type { Command } from 'commander';
import { moreText, nextOf, nodesOf, pageOptions, type Connection, type Perform } from './command.ts';
import { bareId } from './run-progress.ts';
import { textTable } from './text-table.ts';

interface CrawlerAnswer {
  readonly name: string;
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly connection: string | null;
  readonly database: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly state: string;
  readonly lastRun: {
    readonly id: string;
    readonly state: string;
    readonly createdAt: string;
    readonly endedAt: string | null;
  } | null;
}

const FIELDS = 'name kind options connection database settings state lastRun { id state createdAt endedAt }';

export function addCrawlers(program: Command, perform: Perform): void {
  pageOptions(program.command('crawlers').summary('list the crawlers, and how they stand'), 100)
    .addHelpText('after', '\nExample:\n  tenon crawlers')
    .action(async (_options, self: Command) => {
      const { limit, after } = self.opts<{ limit: number; after?: string }>();
      await perform(self, async (client) => {
        const { crawlers } = await client.ask<{ crawlers: Connection<CrawlerAnswer> }>(
          `query ($first: Int, $after: String) { crawlers(first: $first, after: $after) { edges { node { ${FIELDS} } } pageInfo { hasNextPage endCursor } } }`,
          { first: limit, after },
        );
        const found = nodesOf(crawlers).map((each) => ({
          ...each,
          lastRun: each.lastRun && { ...each.lastRun, id: bareId(each.lastRun.id) },
        }));
        const next = nextOf(crawlers.pageInfo);
        const text = textTable(
          ['name', 'kind', 'source', 'database', 'looks at', 'state', 'last run', 'at'],
          found.map(({ name, kind, options, connection, database, settings, state, lastRun }) => [
            name,
            kind,
            typeof options['url'] === 'string' ? options['url'] : connection,
            database,
            String(settings['recrawl'] ?? 'everything'),
            state,
            lastRun?.state ?? null,
            lastRun?.createdAt ?? null,
          ]),
        );
        return {
          json: { crawlers: found, ...(next !== null && { next }) },
          text: (found.length === 0 ? 'There are no crawlers yet. tenon crawl makes one.' : text) + moreText(next),
        };
      });
    });
}

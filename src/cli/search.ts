import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Client } from './client.ts';
import { moreText, nextOf, nodesOf, pageOptions, type Connection, type Perform } from './command.ts';
import { textTable } from './text-table.ts';

interface HitAnswer {
  readonly kind: string;
  readonly name: string;
  readonly description: string | null;
  readonly why: readonly { readonly field: string; readonly reason: string }[];
}

const QUERY = `query ($text: String!, $filter: SearchFilter, $first: Int, $after: String) {
  search(text: $text, filter: $filter, first: $first, after: $after) {
    edges { node { kind name description why { field reason } } } pageInfo { hasNextPage endCursor }
  }
}`;

const WAIT_FOR_INDEX_MS = 5_000;

export function addSearch(program: Command, perform: Perform): void {
  const command = program
    .command('search')
    .summary('find databases, tables and columns by name and description')
    .argument('<words...>', 'what to look for; typing mistakes are forgiven')
    .option('--database <name>', 'only in this database')
    .option('--kind <kind>', 'only «database», «table» or «column»')
    .addHelpText('after', '\nExample:\n  tenon search "customer email"');
  pageOptions(command, 20).action(async (words: string[], _options, self: Command) => {
    const { database, kind, limit, after } = self.opts<{ database?: string; kind?: string; limit: number; after?: string }>();
    await perform(self, async (client) => {
      await untilIndexed(client);
      const filter = { database: database?.toLowerCase(), kinds: kind === undefined ? undefined : [kind.toUpperCase()] };
      const { search } = await client.ask<{ search: Connection<HitAnswer> }>(QUERY, {
        text: words.join(' '),
        filter,
        first: limit,
        after,
      });
      const hits = nodesOf(search).map((hit) => ({ ...hit, kind: hit.kind.toLowerCase() }));
      const next = nextOf(search.pageInfo);
      return { json: { hits, ...(next !== null && { next }) }, text: hitsText(hits) + moreText(next) };
    });
  });
}

/** The index is a moment behind the catalog. Who has just crawled wants to find it, so the command waits for the index, a while. */
async function untilIndexed(client: Client): Promise<void> {
  for (const deadline = Date.now() + WAIT_FOR_INDEX_MS; Date.now() < deadline; await sleep(50)) {
    const { status } = await client.ask<{ status: { followers: { name: string; upToDate: boolean; error: string | null }[] } }>(
      '{ status { followers { name upToDate error } } }',
    );
    const index = status.followers.find(({ name }) => name === 'search');
    if (index?.upToDate === true || typeof index?.error === 'string') return;
  }
}

function hitsText(hits: readonly HitAnswer[]): string {
  if (hits.length === 0) return 'Nothing was found.';
  return textTable(
    ['kind', 'name', 'why'],
    hits.map(({ kind, name, why }) => [kind, name, why.map(({ field, reason }) => `${field}: ${reason}`).join('; ')]),
  );
}

import type { Command } from 'commander';
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

function hitsText(hits: readonly HitAnswer[]): string {
  if (hits.length === 0) return 'Nothing was found.';
  return textTable(
    ['kind', 'name', 'why'],
    hits.map(({ kind, name, why }) => [kind, name, why.map(({ field, reason }) => `${field}: ${reason}`).join('; ')]),
  );
}

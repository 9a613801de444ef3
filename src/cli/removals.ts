import type { Command } from 'commander';
import { moreText, nextOf, nodesOf, pageOptions, type Connection, type Perform } from './command.ts';
import { plain, textTable } from './text-table.ts';

interface Listed {
  readonly id: string;
  readonly crawler: string;
  readonly runId: string;
  readonly state: string;
  readonly tables: number;
  readonly partitions: number;
  readonly at: string;
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
}

interface Shown extends Listed {
  readonly missingTables: readonly string[];
  readonly missingPartitions: readonly { readonly table: string; readonly partition: string }[];
}

const FIELDS = 'id crawler runId state tables partitions at decidedBy decidedAt';
const ALL_FIELDS = `${FIELDS} missingTables missingPartitions { table partition }`;

const bare = <T extends Listed>(removal: T): T => ({
  ...removal,
  id: removal.id.replace(/^Removal:/, ''),
  runId: removal.runId.replace(/^Run:/, ''),
});

export function addRemovals(program: Command, perform: Perform): void {
  const removals = program.command('removals').summary('look at mass removals that wait, and approve or reject them');
  pageOptions(removals.command('list', { isDefault: true }).summary('list removals, the newest first'), 20)
    .option('--crawler <name>', 'only of this crawler')
    .option('--all', 'also those that are decided')
    .addHelpText('after', '\nExample:\n  tenon removals')
    .action(async (_options, self: Command) => {
      const { limit, after, crawler, all } = self.opts<{ limit: number; after?: string; crawler?: string; all?: boolean }>();
      await perform(self, async (client) => {
        const { removals: page } = await client.ask<{ removals: Connection<Listed> }>(
          `query ($filter: RemovalFilter, $first: Int, $after: String) { removals(filter: $filter, first: $first, after: $after) { edges { node { ${FIELDS} } } pageInfo { hasNextPage endCursor } } }`,
          { filter: { crawler, ...(all !== true && { state: 'PARKED' }) }, first: limit, after },
        );
        const found = nodesOf(page).map(bare);
        const next = nextOf(page.pageInfo);
        const text = textTable(
          ['id', 'crawler', 'state', 'tables', 'partitions', 'parked', 'decided by'],
          found.map((one) => [one.id, one.crawler, one.state, one.tables, one.partitions, one.at, one.decidedBy]),
        );
        return {
          json: { removals: found, ...(next !== null && { next }) },
          text: (found.length === 0 ? 'No removal waits.' : text) + moreText(next),
        };
      });
    });
  removals
    .command('show')
    .summary('show what a removal would remove')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenon removals show 0199…')
    .action(async (id: string, _options, self: Command) => {
      await perform(self, async (client) => {
        const { removal } = await client.ask<{ removal: Shown }>(`query ($id: ID!) { removal(id: $id) { ${ALL_FIELDS} } }`, {
          id,
        });
        return { json: { removal: bare(removal) }, text: removalText(bare(removal)) };
      });
    });
  removals
    .command('approve')
    .summary('remove just what a removal shows')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenon removals approve 0199…')
    .action(async (id: string, _options, self: Command) => {
      await perform(self, async (client) => {
        const { approveRemoval } = await client.ask<{
          approveRemoval: { removal: Listed; tables: number; partitions: number; kept: number };
        }>(`mutation ($id: ID!) { approveRemoval(id: $id) { removal { ${FIELDS} } tables partitions kept } }`, { id });
        const { removal, tables, partitions, kept } = approveRemoval;
        const rest = kept === 0 ? '' : ` ${kept} were gone already or have changed since, and stay as they are.`;
        return {
          json: { removal: bare(removal), removed: { tables, partitions, kept } },
          text: `Removed ${tables} tables and ${partitions} partitions.${rest}`,
        };
      });
    });
  removals
    .command('reject')
    .summary('keep what a removal shows')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenon removals reject 0199…')
    .action(async (id: string, _options, self: Command) => {
      await perform(self, async (client) => {
        const { rejectRemoval } = await client.ask<{ rejectRemoval: Listed }>(
          `mutation ($id: ID!) { rejectRemoval(id: $id) { ${FIELDS} } }`,
          { id },
        );
        return {
          json: { removal: bare(rejectRemoval) },
          text: 'Rejected: all of it stays. Crawls do not ask again while just the same is missing.',
        };
      });
    });
}

function removalText(removal: Shown): string {
  const { missingTables, missingPartitions, ...rest } = removal;
  const parts = [textTable(['', ''], Object.entries(rest))];
  if (missingTables.length > 0) parts.push('', 'Tables:', ...missingTables.map(plain), moreOf(rest.tables, missingTables.length));
  if (missingPartitions.length > 0) {
    const rows = missingPartitions.map(({ table, partition }) => [table, partition]);
    parts.push('', textTable(['table', 'partition'], rows), moreOf(rest.partitions, missingPartitions.length));
  }
  return parts.join('\n').trimEnd();
}

function moreOf(all: number, shown: number): string {
  return all > shown ? `… and ${all - shown} more` : '';
}

import type { Command } from 'commander';
import { TenonError } from '../model/errors.ts';
import type { Perform } from './command.ts';
import { versionOf } from './table.ts';
import { cellText, plain, textTable } from './text-table.ts';

interface DiffAnswer {
  readonly from: { readonly number: number };
  readonly to: { readonly number: number };
  readonly changes: readonly ChangeAnswer[];
  readonly compatibility: string;
}

interface ChangeAnswer {
  readonly kind: string;
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

const QUERY = `query ($name: String!, $from: Int!, $to: Int) {
  table(name: $name) { diff(from: $from, to: $to) { from { number } to { number } changes { kind path before after } compatibility } }
}`;

const VERDICTS: Readonly<Record<string, string>> = {
  FULL: 'readers of either version can read the other’s rows',
  BACKWARD: 'readers of the newer version can read the older rows',
  FORWARD: 'readers of the older version can read the newer rows',
  NONE: 'readers of neither version can read all rows of the other',
};

export function addDiff(program: Command, perform: Perform): void {
  program
    .command('diff')
    .summary('show what changed between two versions of a table')
    .argument('<name>', 'with its database: lake.sales')
    .argument('<from>', 'the number of a version')
    .argument('[to]', 'the number of a version; left out: the current one')
    .addHelpText('after', '\nExample:\n  tenon diff lake.sales 1 3')
    .action(async (name: string, from: string, to: string | undefined, _options, self: Command) => {
      await perform(self, async (client) => {
        const variables = { name, from: versionOf(from), to: versionOf(to) };
        const { table } = await client.ask<{ table: { diff: DiffAnswer } | null }>(QUERY, variables);
        if (table === null) throw new TenonError('NOT_FOUND', `There is no table ${plain(name).slice(0, 200)}.`, { table: name });
        const { diff } = table;
        const changes = diff.changes.map((change) => ({ ...change, kind: kindOf(change.kind) }));
        const json = { diff: { from: diff.from.number, to: diff.to.number, changes, compatibility: diff.compatibility } };
        return { json, text: `${changesText(changes)}\n${diff.compatibility}: ${VERDICTS[diff.compatibility] ?? ''}` };
      });
    });
}

export function changesText(changes: readonly ChangeAnswer[]): string {
  if (changes.length === 0) return 'Nothing is different.';
  return textTable(
    ['change', 'column', 'before', 'after'],
    changes.map(({ kind, path, before, after }) => [kind, path, cellText(before), cellText(after)]),
  );
}

/** SOURCE_TYPE is how GraphQL spells sourceType. */
function kindOf(constant: string): string {
  return constant.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

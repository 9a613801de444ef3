import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { moreText, nextOf, nodesOf, pageOptions, type ActContext, type Connection, type Perform } from './command.ts';
import { bareId } from './run-progress.ts';
import { textTable } from './text-table.ts';

interface ChangeAnswer {
  readonly position: string;
  readonly at: string;
  readonly kind: string;
  readonly database: string | null;
  readonly table: string | null;
  readonly by: { readonly principal: string; readonly owner: string; readonly runId: string | null };
  readonly before: unknown;
  readonly after: unknown;
  readonly details: Readonly<Record<string, unknown>> | null;
}

const QUERY = `query ($filter: ChangeFilter, $first: Int, $after: String) {
  changes(filter: $filter, first: $first, after: $after) {
    edges { node { position at kind database table by { principal owner runId } before after details } }
    pageInfo { hasNextPage endCursor }
  }
}`;

interface Options {
  readonly database?: string;
  readonly table?: string;
  readonly follow?: boolean;
  readonly limit: number;
  readonly after?: string;
}

/** Between two looks at the log. */
const LOOK_MS = 250;

export function addChanges(program: Command, perform: Perform): void {
  const command = program
    .command('changes')
    .summary('show the log: what changed, when and by whom, the newest last')
    .option('--database <name>', 'only of this database')
    .option('--table <name>', 'only of a table: lake.sales')
    .option('--follow', 'go on with what happens from now on (or after --after), until Ctrl-C')
    .addHelpText('after', '\nExample:\n  tenon changes --follow --json');
  pageOptions(command, 50).action(async (_options, self: Command) => {
    const options = self.opts<Options>();
    await perform(self, (client, context) => (options.follow ? follow(client, options, context) : list(client, options)));
  });
}

function filterOf({ database, table }: Options): Record<string, unknown> {
  const [inDatabase, name] = table?.split('.') ?? [];
  return { database: (inDatabase ?? database)?.toLowerCase(), table: name?.toLowerCase() };
}

/** Without --after the newest ones; with it the ones after it. */
async function list(client: Client, options: Options) {
  const newestFirst = options.after === undefined;
  const filter = { ...filterOf(options), newestFirst };
  const { changes } = await client.ask<{ changes: Connection<ChangeAnswer> }>(QUERY, {
    filter,
    first: options.limit,
    after: options.after,
  });
  const found = nodesOf(changes).map(changeJson);
  if (newestFirst) found.reverse();
  const next = newestFirst ? null : nextOf(changes.pageInfo);
  const json = { changes: found, ...(next !== null && { next }) };
  return { json, text: changesText(found) + moreText(next) };
}

/** One JSON a line, or one line for people, for each change as it is committed. */
async function follow(client: Client, options: Options, { json, signal }: ActContext) {
  let after = options.after ?? (await lastPosition(client));
  while (!signal.aborted) {
    const { changes } = await client.ask<{ changes: Connection<ChangeAnswer> }>(QUERY, {
      filter: filterOf(options),
      first: 500,
      after,
    });
    for (const node of nodesOf(changes)) {
      const change = changeJson(node);
      process.stdout.write(`${json ? JSON.stringify(change) : lineText(change)}\n`);
      after = change.position;
    }
    if (!changes.pageInfo.hasNextPage) await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return { json: undefined, text: '' };
}

async function lastPosition(client: Client): Promise<string> {
  const { status } = await client.ask<{ status: { position: string } }>('{ status { position } }');
  return status.position;
}

type ChangeJson = ReturnType<typeof changeJson>;

/** The run by the id that `tenon crawl` and `tenon job run` give, so that scripts can put the two together. */
function changeJson({ kind, by, ...rest }: ChangeAnswer) {
  const runId = by.runId === null ? null : bareId(by.runId);
  return { ...rest, kind: kind.toLowerCase().replace('_', '.'), by: { ...by, runId } };
}

function changesText(changes: readonly ChangeJson[]): string {
  if (changes.length === 0) return 'The log is empty.';
  return textTable(['position', 'at', 'what', 'of', 'by', 'details'], changes.map(cellsOf));
}

function lineText(change: ChangeJson): string {
  return cellsOf(change)
    .filter((cell) => cell !== '')
    .join('  ');
}

function cellsOf({ position, at, kind, database, table, by, details }: ChangeJson): string[] {
  const of = [database, table].filter((part) => part !== null).join('.');
  return [
    position,
    at.replace('T', ' ').slice(0, 19),
    kind,
    of,
    by.owner === 'api' ? by.principal : by.owner,
    detailsText(details),
  ];
}

/** What a person wants to know first: which columns, how many partitions. */
function detailsText(details: ChangeJson['details']): string {
  const parts: string[] = [];
  const diff = details?.['diff'];
  if (Array.isArray(diff)) parts.push(diff.map(({ kind, path }: { kind: string; path: string }) => `${kind} ${path}`).join(', '));
  const partitions = details?.['partitions'] as Record<string, number> | undefined;
  for (const word of ['added', 'changed', 'removed']) {
    if ((partitions?.[word] ?? 0) > 0) parts.push(`${partitions?.[word]} partition(s) ${word}`);
  }
  return parts.join('; ');
}

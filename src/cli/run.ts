import { InvalidArgumentError, type Command } from 'commander';
import { moreText, nextOf, nodesOf, pageOptions, wholeNumber, type Connection, type Perform } from './command.ts';
import { bareId, RUN_FIELDS, type RunAnswer } from './run-progress.ts';
import { plain, textTable } from './text-table.ts';

interface Listed extends RunAnswer {
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

interface Line {
  readonly at: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown> | null;
}

const TIMES = 'createdAt startedAt endedAt';

export function addRun(program: Command, perform: Perform): void {
  const run = program.command('run').summary('look at runs of crawlers and jobs, and stop them');
  listCommand(run.command('list'), perform);
  listCommand(program.command('runs'), perform);
  run
    .command('show')
    .summary('show a run')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenon run show 0199…')
    .action(async (id: string, _options, self: Command) => {
      await perform(self, async (client) => {
        const { run: found } = await client.ask<{ run: Listed }>(`query ($id: ID!) { run(id: $id) { ${RUN_FIELDS} ${TIMES} } }`, {
          id,
        });
        const json = { run: { ...found, id: bareId(found.id) } };
        return { json, text: textTable(['', ''], Object.entries(json.run)) };
      });
    });
  pageOptions(run.command('logs').summary('show the log of a run'), 1000)
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenon run logs 0199…')
    .action(async (id: string, _options, self: Command) => {
      const { limit, after } = self.opts<{ limit: number; after?: string }>();
      await perform(self, async (client) => {
        const { run: found } = await client.ask<{ run: { logs: Connection<Line> } }>(
          'query ($id: ID!, $first: Int, $after: String) { run(id: $id) { logs(first: $first, after: $after) { edges { node { at level message fields } } pageInfo { hasNextPage endCursor } } } }',
          { id, first: limit, after },
        );
        const lines = nodesOf(found.logs);
        const next = nextOf(found.logs.pageInfo);
        return { json: { lines, ...(next !== null && { next }) }, text: lines.map(lineText).join('\n') + moreText(next) };
      });
    });
  run
    .command('stop')
    .summary('stop a run; what it has saved stays')
    .argument('<id>')
    .addHelpText('after', '\nExample:\n  tenon run stop 0199…')
    .action(async (id: string, _options, self: Command) => {
      await perform(self, async (client) => {
        const { stopRun } = await client.ask<{ stopRun: RunAnswer }>(
          `mutation ($id: ID!) { stopRun(id: $id) { ${RUN_FIELDS} } }`,
          { id },
        );
        return { json: { run: { ...stopRun, id: bareId(stopRun.id) } }, text: `${stopRun.name}: ${stopRun.state.toLowerCase()}` };
      });
    });
}

interface ListOptions {
  readonly limit: number;
  readonly after?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly crawler?: string;
  readonly state?: readonly string[];
  readonly since?: Date;
  readonly until?: Date;
  readonly minSeconds?: number;
}

/** `tenon runs` is the short way to write `tenon run list`. */
function listCommand(command: Command, perform: Perform): void {
  pageOptions(command.summary('list runs, the newest first'), 20)
    .option('--kind <kind>', 'only «crawl» or «job»')
    .option('--name <name>', 'only of this crawler or job')
    .option('--crawler <name>', 'only crawls of this crawler')
    .option('--state <state...>', 'only in one of these states: SUCCEEDED INCOMPLETE FAILED STOPPED BLOCKED RUNNING …')
    .option('--since <time>', 'only those put into the queue then or later: 2026-11-20, or 2026-11-20T12:00Z', timeOf)
    .option('--until <time>', 'only those put into the queue before', timeOf)
    .option('--min-seconds <n>', 'only those that took at least so long', wholeNumber)
    .addHelpText('after', '\nExample:\n  tenon runs --crawler lake --state FAILED INCOMPLETE --since 2026-11-20')
    .action(async (_options, self: Command) => {
      const options = self.opts<ListOptions>();
      await perform(self, async (client) => {
        const { runs } = await client.ask<{ runs: Connection<Listed> }>(
          `query ($filter: RunFilter, $first: Int, $after: String) { runs(filter: $filter, first: $first, after: $after) { edges { node { ${RUN_FIELDS} ${TIMES} } } pageInfo { hasNextPage endCursor } } }`,
          { filter: filterOf(options), first: options.limit, after: options.after },
        );
        const found = nodesOf(runs).map((each) => ({ ...each, id: bareId(each.id) }));
        const next = nextOf(runs.pageInfo);
        const text = textTable(
          ['id', 'kind', 'name', 'state', 'started', 'ended'],
          found.map((each) => [each.id, each.kind, each.name, each.state, each.startedAt, each.endedAt]),
        );
        return {
          json: { runs: found, ...(next !== null && { next }) },
          text: (found.length === 0 ? 'There are no such runs.' : text) + moreText(next),
        };
      });
    });
}

function filterOf({ kind, name, crawler, state, since, until, minSeconds }: ListOptions) {
  return {
    kind: crawler === undefined ? kind : 'crawl',
    name: crawler?.toLowerCase() ?? name,
    states: state?.map((each) => each.toUpperCase()),
    createdFrom: since?.toISOString(),
    createdUntil: until?.toISOString(),
    minSeconds,
  };
}

/** A day is the beginning of it, in UTC. */
function timeOf(text: string): Date {
  const time = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError(`«${text}» is no time; write 2026-11-20 or 2026-11-20T12:00:00Z.`);
}

function lineText({ at, level, message, fields }: Line): string {
  return `${at.slice(11, 23)} ${level.padEnd(5)} ${plain(message)}${fields === null ? '' : ` ${plain(JSON.stringify(fields))}`}`;
}

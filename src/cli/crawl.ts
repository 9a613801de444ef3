import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { databaseKindOf, parseDatabaseUrl } from '../connections/database-url.ts';
import { TenonError } from '../model/errors.ts';
import type { Client } from './client.ts';
import { wholeNumber, type Perform } from './command.ts';
import { billText, type BillAnswer } from './bill-text.ts';
import { errorText } from './output.ts';
import { bareId, exitOf, RUN_FIELDS, startOrJoin, watchRun, type RunAnswer } from './run-progress.ts';
import { plain, textTable } from './text-table.ts';
import { readPassword } from './password.ts';

interface Options {
  readonly database?: string;
  readonly name?: string;
  readonly connection?: string;
  readonly passwordStdin?: boolean;
  readonly acceptRemovals?: boolean;
  readonly everything?: boolean;
  readonly budget?: number;
  readonly option?: readonly string[];
  readonly exclude?: readonly string[];
  readonly grouping?: string;
  readonly prefix?: string;
  readonly classifier?: readonly string[];
  readonly setting?: readonly string[];
}

const EXAMPLES = `
Examples:
  tenon crawl ./lake --database lake
  tenon crawl s3://bucket/prefix --database lake --exclude 'tmp/**' --grouping glue --setting deleteBehavior=deprecate`;

export function addCrawl(program: Command, perform: Perform): void {
  program
    .command('crawl')
    .summary('find the tables of a folder, a bucket or a database')
    .argument(
      '<source>',
      'a folder, s3://bucket/prefix, postgres://user@host/database, mysql://user@host/database, or the name of a crawler',
    )
    .option('--database <name>', 'the database that the tables go into (default «default»)')
    .option('--name <name>', 'of the crawler; left out: made from source and database')
    .option('--connection <name>', 'the connection to use')
    .option('--password-stdin', 'read the password from stdin; it is kept encrypted, in a connection')
    .option('--option <key=value...>', 'an option of the crawler')
    .option('--exclude <pattern...>', 'leave out paths below the source: tmp/** **.bak')
    .option('--grouping <way>', 'how folders become tables: tenon or glue')
    .option('--prefix <text>', 'in front of the names of the tables')
    .option('--classifier <name...>', 'ask these classifiers first, in this order')
    .option('--setting <key=value...>', 'a setting of the crawler: updateBehavior=merge tableThreshold=500')
    .option('--everything', 'look at everything, whatever the setting «recrawl» says')
    .option('--budget <n>', 'make so many requests at most; then what was not reached is unknown', wholeNumber)
    .option('--accept-removals', 'remove also what would be parked as a mass removal')
    .addHelpText('after', EXAMPLES)
    .action(async (source: string, options: Options, self: Command) => {
      await perform(self, async (client, { json, signal }) => {
        const crawler = await crawlerFor(client, source, options);
        const params = paramsOf(options);
        const run = await startOrJoin(client, () => startCrawl(client, crawler, params), params);
        return outcomeOf(await watchRun(client, run.id, signal), json);
      });
    });
}

function paramsOf({ acceptRemovals = false, everything, budget }: Options) {
  return { acceptRemovals, ...(everything === true && { everything }), ...(budget !== undefined && { budget }) };
}

async function startCrawl(client: Client, crawler: string, params: ReturnType<typeof paramsOf>): Promise<RunAnswer> {
  const { startCrawl: run } = await client.ask<{ startCrawl: RunAnswer }>(
    `mutation ($crawler: String!, $acceptRemovals: Boolean, $everything: Boolean, $budget: Int) { startCrawl(crawler: $crawler, acceptRemovals: $acceptRemovals, everything: $everything, budget: $budget) { ${RUN_FIELDS} } }`,
    { crawler, ...params },
  );
  return run;
}

/** Defines the crawler of a source, or finds the one that is named. A password goes into a connection and nowhere else. */
async function crawlerFor(client: Client, source: string, options: Options): Promise<string> {
  const url = urlOf(source);
  if (url === undefined) return needCrawler(client, source, options);
  const database = options.database ?? 'default';
  const secret = options.passwordStdin ? await readPassword() : undefined;
  const { bare, password } = withoutPassword(url, secret);
  const name = options.name ?? crawlerName(bare, database);
  const connection =
    options.connection ?? (password === undefined ? undefined : await defineConnection(client, name, bare, password));
  await client.ask('mutation ($crawler: CrawlerInput!) { defineCrawler(crawler: $crawler) { name } }', {
    crawler: { name, url: bare.href, database, connection, options: sourceOptions(options), settings: settingsOf(options) },
  });
  return name;
}

/** What looks like an address is one, what is there as a folder is a folder; anything else is a crawler's name. */
function urlOf(source: string): URL | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
    if (URL.canParse(source)) return new URL(source);
    throw new TenonError(
      'BAD_INPUT',
      'The source looks like an address, but cannot be read as one. Percent-encode what is special in it.',
    );
  }
  if (/[\\/.]/.test(source) || existsSync(source)) return pathToFileURL(resolve(source));
  return undefined;
}

/** What it is to do stands in its definition; to pass over what was typed would be worse than to refuse it. */
async function needCrawler(client: Client, name: string, options: Options): Promise<string> {
  const { option, exclude, grouping, prefix, classifier, setting } = options;
  const given = Object.entries({ option, exclude, grouping, prefix, classifier, setting }).filter(
    ([, value]) => value !== undefined,
  );
  if (given.length > 0) {
    const flags = given.map(([flag]) => `--${flag}`).join(', ');
    throw new TenonError(
      'BAD_INPUT',
      `${flags} belong to the definition of a crawler: give the source instead of the name «${plain(name).slice(0, 200)}».`,
    );
  }
  const { crawler } = await client.ask<{ crawler: { name: string } | null }>(
    'query ($name: String!) { crawler(name: $name) { name } }',
    { name },
  );
  if (crawler !== null) return crawler.name;
  throw new TenonError('NOT_FOUND', `There is neither a folder nor a crawler «${plain(name).slice(0, 200)}».`, { name });
}

function withoutPassword(url: URL, given: string | undefined): { bare: URL; password: string | undefined } {
  const bare = new URL(url);
  const password = given ?? (databaseKindOf(url) === undefined ? undefined : parseDatabaseUrl(url).secret);
  bare.password = '';
  bare.searchParams.delete('password');
  return { bare, password };
}

async function defineConnection(client: Client, name: string, url: URL, secret: string): Promise<string> {
  const kind = databaseKindOf(url);
  if (kind === undefined)
    throw new TenonError(
      'BAD_INPUT',
      'Only databases (postgres://, mysql://) take a password; S3 takes its keys from the environment or a connection.',
    );
  await client.ask('mutation ($connection: ConnectionInput!) { defineConnection(connection: $connection) { name } }', {
    connection: { name, kind, options: parseDatabaseUrl(url).options, secret },
  });
  return name;
}

/** The same source and database give the same crawler, so that crawling again is a re-crawl. */
function crawlerName(url: URL, database: string): string {
  const hash = createHash('sha256').update(`${url.href}\n${database.toLowerCase()}`).digest('hex').slice(0, 8);
  const words =
    `${url.protocol.replace(':', '')} ${url.hostname} ${decodeURI(url.pathname)}`.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return `${words.join('-').slice(-40).replace(/^-/, '')}-${hash}`;
}

function sourceOptions({ option = [], exclude }: Options): Record<string, unknown> {
  const given = optionsOf(option);
  return exclude === undefined ? given : { ...given, exclude: [given['exclude'] ?? [], exclude].flat() };
}

function settingsOf({ setting = [], grouping, prefix, classifier }: Options): Record<string, unknown> {
  const given = optionsOf(setting);
  return {
    ...given,
    ...(grouping !== undefined && { grouping }),
    ...(prefix !== undefined && { prefix }),
    ...(classifier !== undefined && { classifiers: classifier }),
  };
}

/** `key=value`; what reads as JSON is that, anything else a text; a key given twice is a list. */
export function optionsOf(pairs: readonly string[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw new TenonError('BAD_INPUT', `An option is written key=value, not «${plain(pair).slice(0, 100)}».`);
    const key = pair.slice(0, at);
    const value = valueOf(pair.slice(at + 1));
    options[key] = key in options ? [options[key], value].flat() : value;
  }
  return options;
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function outcomeOf(run: RunAnswer, asJson: boolean) {
  const json = {
    run: {
      id: bareId(run.id),
      crawler: run.name,
      state: run.state,
      ...run.result,
      ...(run.error !== null && { error: run.error }),
    },
  };
  if (run.error !== null && (run.state === 'FAILED' || run.state === 'STOPPED')) {
    const { code, message, details } = run.error;
    if (run.state === 'FAILED') throw new TenonError(code as TenonError['code'], message, { ...details, runId: bareId(run.id) });
  }
  return { json, text: asJson ? '' : crawlText(run), exit: exitOf(run) };
}

interface CrawlResult {
  readonly tables?: number;
  readonly partitions?: number;
  readonly objects?: number;
  readonly added?: number;
  readonly changed?: number;
  readonly removed?: number;
  readonly unknown?: number;
  readonly unknowns?: readonly { path: string; code: string; message: string }[];
  readonly skipped?: readonly { path: string; reason: string }[];
  readonly parked?: {
    readonly tables: number;
    readonly partitions: number;
    readonly names?: readonly string[];
    readonly removal?: string;
  };
  readonly bill?: BillAnswer;
}

const LISTED = 10;

function crawlText(run: RunAnswer): string {
  const result = (run.result ?? {}) as CrawlResult;
  const {
    tables = 0,
    partitions = 0,
    objects = 0,
    added = 0,
    changed = 0,
    removed = 0,
    unknowns = [],
    skipped = [],
    parked,
    bill = {},
  } = result;
  const lines = [
    `${run.state.toLowerCase()}: ${tables} tables, ${partitions} partitions, ${objects} files; ${added} added, ${changed} changed, ${removed} removed`,
    billText(bill),
  ];
  if (unknowns.length > 0) {
    lines.push(`${result.unknown ?? unknowns.length} unknown; what is known of them stays:`);
    lines.push(
      textTable(
        ['path', 'code', 'why'],
        unknowns.slice(0, LISTED).map(({ path, code, message }) => [path, code, message]),
      ),
    );
  }
  if (skipped.length > 0) {
    lines.push(
      `${skipped.length} skipped:`,
      textTable(
        ['path', 'why'],
        skipped.slice(0, LISTED).map(({ path, reason }) => [path, reason]),
      ),
    );
  }
  if (parked !== undefined) {
    lines.push(
      `Parked: ${parked.tables} tables and ${parked.partitions} partitions are gone from the source. Nothing of them was removed; «tenon removals show ${parked.removal ?? ''}» shows them, and «tenon removals approve» removes them.`,
    );
  }
  if (run.state === 'STOPPED') lines.push('Stopped. The same command goes on: what was saved is not read again.');
  if (run.state !== 'STOPPED' && run.error !== null)
    lines.push(errorText(run.error.code as TenonError['code'], run.error.message, run.error.details));
  return lines.join('\n');
}

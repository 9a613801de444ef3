import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { Config } from '../config.ts';
import { addBackup } from './backup.ts';
import { addChanges } from './changes.ts';
import { addCleanUp } from './clean-up.ts';
import { addClassifier } from './classifier.ts';
import { openClient } from './client.ts';
import type { Act, Perform } from './command.ts';
import { addConnection } from './connection.ts';
import { addCrawl } from './crawl.ts';
import { addCrawlers } from './crawlers.ts';
import { addDiff } from './diff.ts';
import { addJob } from './job.ts';
import { printError, printOutcome, type ExitCode, type Outcome } from './output.ts';
import type { Parts } from './own.ts';
import { addRemovals } from './removals.ts';
import { addRun } from './run.ts';
import { addSearch } from './search.ts';
import { addSql } from './sql.ts';
import { addTable } from './table.ts';
import { addTables } from './tables.ts';
import { addToken } from './token.ts';

export interface CliOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Loaded only by the process that becomes the owner: a client has no need of it. */
  loadParts(): Promise<Parts>;
}

interface SharedOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** Runs one command line to its end. Never throws: what goes wrong is printed, and is the exit code. */
export async function runCli(options: CliOptions): Promise<ExitCode> {
  const stop = new AbortController();
  let exit: ExitCode = 0;
  const interrupted = (): void => stop.abort();
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const finish = async (command: Command, fn: (shared: SharedOptions) => Promise<Outcome>): Promise<void> => {
    const shared = command.optsWithGlobals<SharedOptions>();
    try {
      const outcome = await fn(shared);
      if (outcome.json !== undefined) printOutcome(outcome, shared.json ?? false);
      exit = outcome.exit ?? 0;
    } catch (error) {
      printError(error, shared.json ?? false);
      exit = 1;
    }
  };
  const perform: Perform = (command, act) => finish(command, (shared) => performHere(options, shared, stop.signal, act));
  const program = createProgram(options, perform, finish, stop.signal);
  try {
    await program.parseAsync([...options.argv], { from: 'user' });
  } catch (error) {
    // Commander has printed what is wrong with the words.
    if (!(error instanceof CommanderError)) throw error;
    exit = error.exitCode === 0 ? 0 : 2;
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
  return exit;
}

type Finish = (command: Command, fn: (shared: SharedOptions) => Promise<Outcome>) => Promise<void>;

function createProgram(options: CliOptions, perform: Perform, finish: Finish, signal: AbortSignal): Command {
  const program = new Command('tenon')
    .description('A data catalog that crawls, versions, guards and searches tables, and runs the jobs that use them.')
    .version(options.version)
    // Else «tenon table lake.sales --version 2» would print the program's version.
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(tenon --help shows what there is)');
  addServe(program, options, finish, signal);
  const first = [addCrawl, addCrawlers, addRemovals, addTables, addTable, addDiff, addSearch, addSql, addJob, addRun, addChanges];
  for (const add of first) add(program, perform);
  for (const add of [addConnection, addClassifier, addToken, addCleanUp, addBackup]) add(program, perform);
  addRestore(program, options, finish);
  shareOptions(program);
  return program;
}

/** Every command takes these, wherever they stand. */
function shareOptions(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride().showHelpAfterError('(--help shows how)');
    if (child.commands.length > 0) shareOptions(child);
    else child.option('--data <dir>', 'the data directory', someFolder, '.tenon').option('--json', 'one JSON document on stdout');
  }
}

/** An empty one, of a variable that is not set, would make a data directory of wherever one stands. */
function someFolder(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

async function performHere(options: CliOptions, shared: SharedOptions, signal: AbortSignal, act: Act): Promise<Outcome> {
  const client = openClient({
    dataDir: shared.data,
    env: options.env,
    own: async () => {
      const config = await configOf(options, shared);
      const { ownAndServe } = await import('./own.ts');
      return ownAndServe(config, await options.loadParts(), { logLevel: 'warn' });
    },
  });
  try {
    return await act(client, { json: shared.json ?? false, dataDir: shared.data, env: options.env, signal });
  } finally {
    await client.close();
  }
}

/** Loaded when it is needed, like all that only the owner needs: a client has its answer before that would be read. */
async function configOf({ env }: Pick<CliOptions, 'env'>, { data }: SharedOptions): Promise<Config> {
  const { loadConfig } = await import('../config.ts');
  return loadConfig({ dataDir: data, env });
}

function addServe(program: Command, options: CliOptions, finish: Finish, signal: AbortSignal): void {
  program
    .command('serve')
    .summary('serve the API until Ctrl-C')
    .option('--host <host>', 'the address to listen on (default 127.0.0.1)')
    .option('--port <port>', 'the port to listen on (default 4000)')
    .addHelpText('after', '\nExample:\n  tenon serve --data /var/lib/tenon --port 4000')
    .action(async (place: { host?: string; port?: string }, self: Command) => {
      await finish(self, async (shared) => {
        const set = {
          ...options.env,
          ...(place.host && { TENON_HOST: place.host }),
          ...(place.port && { TENON_PORT: place.port }),
        };
        const config = await configOf({ env: set }, shared);
        const { serve } = await import('./serve.ts');
        return serve(config, await options.loadParts(), shared.json ?? false, signal);
      });
    });
}

function addRestore(program: Command, options: CliOptions, finish: Finish): void {
  program
    .command('restore')
    .summary('bring a backup back, into an empty catalog')
    .argument('<file>', 'as «tenon backup» wrote it')
    .addHelpText('after', '\nExample:\n  tenon restore catalog.backup --data new')
    .action(async (file: string, _options, self: Command) => {
      await finish(self, async (shared) => {
        const { restoreInto } = await import('./restore.ts');
        const restored = await restoreInto(await configOf(options, shared), file);
        return { json: { restored }, text: `Restored ${restored.rows} rows of ${restored.tables} tables.` };
      });
    });
}

import type { Command } from 'commander';
import type { Client } from './client.ts';
import type { Outcome } from './output.ts';

/** What every command's action is made of: it asks the client and gives back what to print. */
export type Act = (client: Client, context: ActContext) => Promise<Outcome>;

export interface ActContext {
  readonly json: boolean;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Opens a client, acts, prints, and sets the exit code. */
export type Perform = (command: Command, act: Act) => Promise<void>;

/** A list's page, as options of a command. */
export function pageOptions(command: Command, preset: number): Command {
  return limitOption(command, `at most so many (default ${preset})`, preset).option(
    '--after <cursor>',
    'go on after this cursor, as «next» gave it',
  );
}

/** What is no whole number above 0 is wrong usage. */
export function limitOption(command: Command, description: string, preset: number): Command {
  return command.option('--limit <n>', description, (text) => wholeNumber(text), preset);
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidNumber(text);
  return number;
}

class InvalidNumber extends Error {
  readonly code = 'commander.invalidArgument';

  constructor(text: string) {
    super(`«${text}» is no whole number above 0.`);
  }
}

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly endCursor: string | null;
}

/** What to send as --after for the next page; null at the end. */
export function nextOf({ hasNextPage, endCursor }: PageInfo): string | null {
  return hasNextPage ? endCursor : null;
}

export function moreText(next: string | null): string {
  return next === null ? '' : `\nThere are more: --after ${next}`;
}

export interface Connection<T> {
  readonly edges: readonly { readonly node: T }[];
  readonly pageInfo: PageInfo;
}

export function nodesOf<T>(connection: Connection<T>): T[] {
  return connection.edges.map(({ node }) => node);
}

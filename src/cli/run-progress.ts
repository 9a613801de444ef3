import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { TenonError } from '../model/errors.ts';
import type { Client } from './client.ts';
import { plain } from './text-table.ts';

export interface RunAnswer {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly state: string;
  readonly attempt: number;
  readonly progress: Readonly<Record<string, unknown>> | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: { readonly code: string; readonly message: string; readonly details: Record<string, unknown> } | null;
}

export const RUN_FIELDS = 'id kind name state attempt progress result error { code message details }';

/**
 * Starts a run, or joins the one that is under way for the same thing with the same parameters: a process that died or was
 * interrupted left it, and it goes on from its checkpoint.
 */
export async function startOrJoin(
  client: Client,
  start: () => Promise<RunAnswer>,
  params: Record<string, unknown>,
): Promise<RunAnswer> {
  try {
    return await start();
  } catch (error) {
    const runId = error instanceof TenonError && error.code === 'ALREADY_RUNNING' ? error.details['runId'] : undefined;
    if (typeof runId !== 'string') throw error;
    const { run } = await client.ask<{ run: RunAnswer & { params: unknown } }>(
      `query ($id: ID!) { run(id: $id) { ${RUN_FIELDS} params } }`,
      {
        id: runId,
      },
    );
    if (!isDeepStrictEqual(run.params, params)) throw error;
    process.stderr.write(`${plain(run.name)} is under way already; this waits for it.\n`);
    return run;
  }
}

const ENDS = new Set(['SUCCEEDED', 'INCOMPLETE', 'BLOCKED', 'FAILED', 'STOPPED']);
/** Soon at first, for short runs; then less often. */
const LOOK_MS = { first: 20, last: 250 };
/** Without a terminal, a line at most this often. */
const LINE_MS = 2_000;

/**
 * Waits for a run and shows how far it is on stderr: one line that renews itself on a terminal, else a line now and then.
 * When `signal` aborts (Ctrl-C), the run is stopped, its checkpoint stays, and it is waited for.
 */
export async function watchRun(client: Client, id: string, signal: AbortSignal): Promise<RunAnswer> {
  const show = progressOn(process.stderr);
  let stopped = false;
  for (let pauseMs = LOOK_MS.first; ; pauseMs = Math.min(pauseMs * 1.5, LOOK_MS.last)) {
    const { run } = await client.ask<{ run: RunAnswer }>(`query ($id: ID!) { run(id: $id) { ${RUN_FIELDS} } }`, { id });
    if (ENDS.has(run.state)) {
      show.end();
      return run;
    }
    show.line(progressText(run));
    if (signal.aborted && !stopped) {
      stopped = true;
      await client.ask('mutation ($id: ID!) { stopRun(id: $id) { id } }', { id });
    }
    await sleep(pauseMs);
  }
}

function progressText({ state, name, progress }: RunAnswer): string {
  const parts = Object.entries(progress ?? {}).map(([word, value]) => `${word} ${plain(String(value)).slice(0, 60)}`);
  return `${name}: ${state.toLowerCase()}${parts.length === 0 ? '' : `, ${parts.join(', ')}`}`;
}

function progressOn(stream: NodeJS.WriteStream): { line(text: string): void; end(): void } {
  let shown = '';
  let at = 0;
  return {
    line(text) {
      if (text === shown || (!stream.isTTY && Date.now() - at < LINE_MS)) return;
      shown = text;
      at = Date.now();
      stream.write(stream.isTTY ? `\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}` : `${text}\n`);
    },
    end() {
      if (stream.isTTY && shown !== '') stream.write('\r\u001b[K');
    },
  };
}

/** 3 for what finished but is not whole, 1 for what failed or was stopped. */
export function exitOf({ state }: Pick<RunAnswer, 'state'>): 0 | 1 | 3 {
  if (state === 'SUCCEEDED') return 0;
  return state === 'INCOMPLETE' || state === 'BLOCKED' ? 3 : 1;
}

/** As the log and the files on disk know it, without the type that GraphQL puts in front. */
export function bareId(id: string): string {
  return id.replace(/^Run:/, '');
}

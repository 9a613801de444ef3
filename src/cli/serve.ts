import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { TenonError } from '../model/errors.ts';
import type { Outcome } from './output.ts';
import { ownAndServe, type Owner, type Parts } from './own.ts';

/** Serves until `signal` aborts, or until another process takes the directory over. Tells on stdout where, and the first token. */
export async function serve(config: Config, parts: Parts, asJson: boolean, signal: AbortSignal): Promise<Outcome> {
  const over = new AbortController();
  signal.addEventListener('abort', () => over.abort(), { once: true });
  const owner = await ownSoon(() => ownAndServe(config, parts, { onLost: (error) => over.abort(lost(error)) }));
  if (owner === undefined)
    throw new TenonError('DATA_DIRECTORY', `Another process owns ${config.dataDir}. Stop it, or use another directory.`, {
      dataDir: config.dataDir,
    });
  try {
    const address = await owner.server.listen({ host: config.host, port: config.port });
    sayWhere(address, owner.tenon.firstToken, asJson);
    await new Promise<void>((resolve) => {
      if (over.signal.aborted) resolve();
      over.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await owner.close({ wait: false });
  }
  if (over.signal.reason instanceof TenonError) throw over.signal.reason;
  return { json: undefined, text: '' };
}

/** The owner may be a short command that is about to end. */
const WAIT_FOR_COMMAND_MS = 5_000;

async function ownSoon(own: () => Promise<Owner | undefined>): Promise<Owner | undefined> {
  for (const deadline = Date.now() + WAIT_FOR_COMMAND_MS; ; await sleep(100)) {
    const owner = await own();
    if (owner !== undefined || Date.now() > deadline) return owner;
  }
}

function lost(cause: Error): TenonError {
  return new TenonError(
    'DATABASE_UNAVAILABLE',
    'The database closed the session that owns the directory; another process may own it now.',
    {},
    { cause },
  );
}

function sayWhere(address: string, firstToken: string | undefined, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify({ serving: { address, ...(firstToken !== undefined && { token: firstToken }) } })}\n`);
    return;
  }
  process.stdout.write(`Tenon serves on ${address}\n`);
  if (firstToken !== undefined) process.stdout.write(`The admin token, shown this once: ${firstToken}\n`);
}

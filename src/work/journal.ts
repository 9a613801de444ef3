import { count, eq } from 'drizzle-orm';
import { redact } from '../access/redact.ts';
import type { Ground } from '../db/db.ts';
import { runLogs, runs } from '../db/tables/work.ts';
import { isHeld, type Hold } from './hold.ts';
import { plainRecord, plainText } from './plain-json.ts';
import type { LogLevel } from './run.ts';

export interface JournalLimits {
  readonly runLogLines: number;
  readonly runLogChars: number;
}

/** The log and the progress of one attempt, gathered and written in small batches, so that a busy run does not wait. */
export interface Journal {
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
  progress(progress: Record<string, unknown>): void;
  /** Writes what is gathered, and stops the timer. What cannot be written is given to `onError` and dropped. */
  close(): Promise<void>;
}

/** How long a line or a progress may wait for others to be written with. */
const GATHER_MS = 250;
/** Lines of one insert. */
const BATCH = 500;

type Line = typeof runLogs.$inferInsert;

export async function openJournal(
  ground: Ground,
  hold: Hold,
  limits: JournalLimits,
  onError: (error: unknown) => void,
): Promise<Journal> {
  const [known] = await ground.db.select({ lines: count() }).from(runLogs).where(eq(runLogs.runId, hold.id));
  let lines = known?.lines ?? 0;
  let gathered: Line[] = [];
  let latest: Record<string, unknown> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    const batch = gathered;
    const progress = latest;
    gathered = [];
    latest = undefined;
    for (let at = 0; at < batch.length; at += BATCH) await ground.db.insert(runLogs).values(batch.slice(at, at + BATCH));
    if (progress !== undefined) await ground.db.update(runs).set({ progress }).where(isHeld(hold));
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    // One after the other, so that lines keep their order.
    writing = writing.then(write).catch(onError);
    return writing;
  };
  const gather = (): void => {
    timer ??= setTimeout(() => void flush(), GATHER_MS);
  };

  return {
    log(level, message, fields) {
      lines += 1;
      if (lines > limits.runLogLines) return;
      const full = lines === limits.runLogLines;
      const text = full
        ? `The log ends here: it has ${limits.runLogLines} lines, as many as limits.runLogLines allows.`
        : message;
      gathered.push({
        runId: hold.id,
        at: ground.clock(),
        ...lineOf(full ? 'warn' : level, text, full ? undefined : fields, limits.runLogChars),
      });
      gather();
    },
    progress(progress) {
      latest = plainRecord(progress);
      gather();
    },
    close: flush,
  };
}

function lineOf(
  level: LogLevel,
  message: string,
  fields: Record<string, unknown> | undefined,
  chars: number,
): Pick<Line, 'level' | 'message' | 'fields'> {
  return { level, message: plainText(redact(message), chars), fields: fields === undefined ? null : plainFields(fields, chars) };
}

/** Fields are shown like the message, and are bounded and redacted like it. */
function plainFields(fields: Record<string, unknown>, chars: number): Record<string, unknown> {
  const text = redact(JSON.stringify(plainRecord(fields)));
  if (text.length > chars) return { fields: plainText(text, chars) };
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // What was hidden took a quote with it.
    return { fields: text };
  }
}

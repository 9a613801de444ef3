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

/** How long a line or a progress may wait for others to be written with. */
const GATHER_MS = 250;
/** Lines of one insert. */
const BATCH = 500;

type Line = typeof runLogs.$inferInsert;

/**
 * The log and the progress of one attempt, gathered and written in small batches, so that a busy run does not wait. What
 * cannot be written is given to `onError` and dropped.
 */
export class Journal {
  private readonly ground: Ground;
  private readonly hold: Hold;
  private readonly limits: JournalLimits;
  private readonly onError: (error: unknown) => void;
  private lines: number;
  private gathered: Line[] = [];
  private latest: Record<string, unknown> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  /** `lines` is how many the attempts before have written. */
  constructor(ground: Ground, hold: Hold, limits: JournalLimits, lines: number, onError: (error: unknown) => void) {
    this.ground = ground;
    this.hold = hold;
    this.limits = limits;
    this.lines = lines;
    this.onError = onError;
  }

  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void {
    const { runLogLines, runLogChars } = this.limits;
    this.lines += 1;
    if (this.lines > runLogLines) return;
    const full = this.lines === runLogLines;
    const line = full
      ? lineOf(
          'warn',
          `The log ends here: it has ${runLogLines} lines, as many as limits.runLogLines allows.`,
          undefined,
          runLogChars,
        )
      : lineOf(level, message, fields, runLogChars);
    this.gathered.push({ runId: this.hold.id, at: this.ground.clock(), ...line });
    this.plan();
  }

  progress(progress: Record<string, unknown>): void {
    this.latest = plainRecord(progress);
    this.plan();
  }

  /** Writes what is gathered, and leaves no timer. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    // One after the other, so that lines keep their order.
    this.writing = this.writing.then(() => this.write()).catch(this.onError);
    return this.writing;
  }

  private plan(): void {
    this.timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  private async write(): Promise<void> {
    const { gathered, latest } = this;
    this.gathered = [];
    this.latest = undefined;
    const { db } = this.ground;
    for (let at = 0; at < gathered.length; at += BATCH) await db.insert(runLogs).values(gathered.slice(at, at + BATCH));
    if (latest !== undefined) await db.update(runs).set({ progress: latest }).where(isHeld(this.hold));
  }
}

export async function openJournal(
  ground: Ground,
  hold: Hold,
  limits: JournalLimits,
  onError: (error: unknown) => void,
): Promise<Journal> {
  const [known] = await ground.db.select({ lines: count() }).from(runLogs).where(eq(runLogs.runId, hold.id));
  return new Journal(ground, hold, limits, known?.lines ?? 0, onError);
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

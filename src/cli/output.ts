import { asTenonError, ERRORS, type ErrorCode } from '../model/errors.ts';
import { redact } from '../access/redact.ts';

/** 0 done, 1 failed, 2 wrong usage, 3 finished but not whole. */
export type ExitCode = 0 | 1 | 2 | 3;

/** What a command gives back: one document for programs, one text for people. */
export interface Outcome {
  readonly json: unknown;
  readonly text: string;
  readonly exit?: ExitCode;
}

export function printOutcome({ json, text }: Outcome, asJson: boolean): void {
  const written = asJson ? JSON.stringify(json) : text;
  if (written !== '') process.stdout.write(`${written.replace(/\n$/, '')}\n`);
}

/** A message with what to do next on stderr; with --json the error's document on stdout. Never a stack trace. */
export function printError(thrown: unknown, asJson: boolean): void {
  const { code, message, details } = asTenonError(thrown);
  if (asJson) {
    process.stdout.write(`${JSON.stringify({ error: { code, message: redact(message), details } })}\n`);
    return;
  }
  process.stderr.write(`${errorText(code, redact(message), details)}\n`);
}

export function errorText(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>>): string {
  const mistakes = Array.isArray(details['mistakes'])
    ? details['mistakes'].map((mistake) => `  - ${mistakeText(mistake)}\n`).join('')
    : '';
  return `error ${code}: ${message}\n${mistakes}${ERRORS[code]?.next ?? ''}`.trimEnd();
}

function mistakeText(mistake: unknown): string {
  if (typeof mistake === 'string') return mistake;
  const { path, message } = mistake as { path?: unknown; message?: unknown };
  return path === undefined ? JSON.stringify(mistake) : `${String(path)}: ${String(message)}`;
}

/** GraphQL gives large integers as text. What fits into a double exactly is a number here, the rest stays text. */
export function numberOf(text: string | null | undefined): number | string | null {
  if (text === null || text === undefined) return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

export function sizeText(bytes: number | string | null | undefined): string {
  if (bytes === null || bytes === undefined) return '';
  let size = Number(bytes);
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (size < 1024) return `${unit === 'B' ? size : size.toFixed(1)} ${unit}`;
    size /= 1024;
  }
  return `${size.toFixed(1)} TiB`;
}

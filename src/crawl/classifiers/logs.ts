import type { ByteSource, Classification, Classifier, ClassifyLimits } from '../classifier.ts';
import { readHead, type Head } from '../head.ts';
import { LOG_PATTERNS, logColumns, type LogPattern } from '../log-patterns.ts';
import { decodeText } from '../text.ts';

/**
 * Logs of well-known programs: each line is a row. The format is the name of its kind; of two kinds of syslog the option
 * `rfc` tells which. Lines that do not fit (a stack trace, say) are none of its rows.
 */
export const logClassifier: Classifier = { format: 'logs', classify };

/** A line beyond this is none of a log. */
const LINE_CHARS = 16 * 1024;
/** Of the lines that are looked at, so many fit. */
const SHARE = 0.9;

async function classify(source: ByteSource, limits: ClassifyLimits): Promise<Classification | undefined> {
  const head = await readHead(source, limits.sampleBytes, limits);
  // Every kind begins with a letter, a digit, a colon, a dash or a bracket; most files of other kinds end here.
  if (!/^[\w:<-]/.test(String.fromCharCode(head.bytes[0] ?? 0))) return undefined;
  const decoded = decodeText(head);
  if (decoded === undefined) return undefined;
  const first = linesOf(decoded.text, head, 10).lines;
  for (const kind of LOG_PATTERNS) {
    if (!first.some((line) => kind.pattern.test(line))) continue;
    const { lines, complete } = linesOf(decoded.text, head, limits.sampleRecords);
    const rows = lines.filter((line) => kind.pattern.test(line)).length;
    if (rows >= lines.length * SHARE) return describe(kind, head, rows, lines.length, complete);
  }
  return undefined;
}

function linesOf(text: string, head: Head, limit: number): { lines: string[]; complete: boolean } {
  const lines: string[] = [];
  let at = 0;
  while (at < text.length && lines.length < limit) {
    const end = text.indexOf('\n', at);
    if (end < 0 && !head.whole) break;
    const line = text.slice(at, end < 0 ? text.length : end).replace(/\r$/, '');
    at = end < 0 ? text.length : end + 1;
    if (line !== '') lines.push(line.length > LINE_CHARS ? '' : line);
  }
  return { lines, complete: head.whole && at >= text.length };
}

function describe(kind: LogPattern, head: Head, rows: number, lines: number, complete: boolean): Classification {
  return {
    format: {
      name: kind.format,
      ...(head.compression !== undefined && { compression: head.compression }),
      ...(kind.options !== undefined && { options: kind.options }),
    },
    columns: logColumns(kind),
    ...(complete && { rows: BigInt(rows) }),
    confidence: rows === lines ? 1 : 0.95,
  };
}

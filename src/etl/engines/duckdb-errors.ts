import { TenonError } from '../../model/errors.ts';
import type { Failure } from './duckdb-protocol.ts';
import type { Links } from './duckdb-links.ts';

const MAX_MESSAGE_CHARS = 1_500;

/** DuckDB's words as an error of ours: what is the SQL's fault, what the data's, what the machine's. */
export function engineError(failure: Failure, links: Links | undefined): TenonError {
  const raw = withoutStack(failure.message);
  const message = shortened(links?.explain(raw) ?? raw);
  const file = links?.addressIn(raw);
  const line = /\bLine: (\d+)/.exec(raw)?.[1];
  const where = { ...(file !== undefined && { file }), ...(line !== undefined && { line: Number(line) }) };
  if (/No space left on device|Disk quota exceeded/i.test(raw))
    return new TenonError('DISK_FULL', `The disk is full: ${message}`);
  if (raw.startsWith('Out of Memory Error'))
    return new TenonError('LIMIT', `The engine's memory does not suffice; raise limits.memory. ${message}`, { limit: 'memory' });
  if (failure.early) return sqlError(failure, message);
  if (/^(INTERNAL|FATAL) Error/.test(raw)) return new TenonError('INTERNAL', message);
  if (/^(Parser|Binder|Catalog|Syntax|Permission|Not implemented) Error/.test(raw)) return sqlError(failure, message);
  if (file !== undefined)
    return new TenonError('DATA_UNREADABLE', `${file}${line === undefined ? '' : `, line ${line}`}: ${message}`, where);
  return new TenonError('DATA_UNREADABLE', message, where);
}

function sqlError(failure: Failure, message: string): TenonError {
  const step = failure.step === undefined ? {} : { step: failure.step };
  return new TenonError('BAD_SQL', failure.step === undefined ? message : `In step «${failure.step}»: ${message}`, step);
}

/** Long messages repeat the row and list the reader's settings; the first lines say what is wrong. */
function shortened(message: string): string {
  const end = message.search(/\n\s*(Possible (fixes|solutions):|file ?= ?)/);
  const text = (end < 0 ? message : message.slice(0, end)).trim();
  return text.length > MAX_MESSAGE_CHARS ? `${text.slice(0, MAX_MESSAGE_CHARS)} …` : text;
}

function withoutStack(message: string): string {
  return message.replace(/\n+Stack Trace:[^]*$/, '');
}

import { redact } from '../access/redact.ts';
import { TenonError, type ErrorCode } from '../model/errors.ts';
import { errnoOf } from './file-errors.ts';

/** By SQLSTATE, or the first two characters of one; see «PostgreSQL Error Codes», appendix A of its manual. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  '28': 'SOURCE_DENIED',
  '42501': 'SOURCE_DENIED',
  '57014': 'TIMEOUT',
  '55P03': 'TIMEOUT',
  '22': 'BAD_SQL',
  '25': 'BAD_SQL',
  '42': 'BAD_SQL',
};

/** What a failure of a source database means. The message is the server's own, without what looks like a credential. */
export function postgresError(error: unknown, address: string): unknown {
  if (error instanceof TenonError) return error;
  const state = errnoOf(error);
  const message = redact(error instanceof Error ? error.message || state : String(error));
  const code = lacksPassword(message) ? 'SOURCE_DENIED' : (CODES[state] ?? CODES[state.slice(0, 2)] ?? 'SOURCE_UNAVAILABLE');
  return new TenonError(code, `${address}: ${message}.`, { address, state }, { cause: error });
}

/** The driver's own words when the server wants a password and it has none. */
function lacksPassword(message: string): boolean {
  return message.startsWith('SASL:') && message.includes('client password must be');
}

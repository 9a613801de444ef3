import { redact } from '../access/redact.ts';
import { TenonError, type ErrorCode } from '../model/errors.ts';
import { errnoOf } from './file-errors.ts';

/** By the name of the error as the driver has it; see «Server Error Message Reference» of MySQL and «MariaDB Error Codes». */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ER_ACCESS_DENIED_ERROR: 'SOURCE_DENIED',
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: 'SOURCE_DENIED',
  ER_DBACCESS_DENIED_ERROR: 'SOURCE_DENIED',
  ER_TABLEACCESS_DENIED_ERROR: 'SOURCE_DENIED',
  ER_COLUMNACCESS_DENIED_ERROR: 'SOURCE_DENIED',
  ER_SPECIFIC_ACCESS_DENIED_ERROR: 'SOURCE_DENIED',
  ER_VIEW_NO_EXPLAIN: 'SOURCE_DENIED',
  ER_NOT_SUPPORTED_AUTH_MODE: 'SOURCE_DENIED',
  ER_ACCOUNT_HAS_BEEN_LOCKED: 'SOURCE_DENIED',
  ER_MUST_CHANGE_PASSWORD: 'SOURCE_DENIED',
  AUTH_SWITCH_PLUGIN_ERROR: 'SOURCE_DENIED',
  // Gone, renamed or hidden: nothing follows from it.
  ER_BAD_DB_ERROR: 'SOURCE_UNAVAILABLE',
  ER_QUERY_TIMEOUT: 'TIMEOUT',
  ER_STATEMENT_TIMEOUT: 'TIMEOUT',
  ER_LOCK_WAIT_TIMEOUT: 'TIMEOUT',
  // The server has a timeout of its own, so one that says nothing for longer is not there any more.
  PROTOCOL_SEQUENCE_TIMEOUT: 'SOURCE_UNAVAILABLE',
};

/** Numbers of errors that the driver calls by another server's name: 1969 of MariaDB, 3024 of MySQL, 4151 of MariaDB. */
const NUMBERS: Readonly<Record<number, ErrorCode>> = { 1969: 'TIMEOUT', 3024: 'TIMEOUT', 4151: 'SOURCE_DENIED' };

/** What a failure of a source database means. The message is the server's own, without what looks like a credential. */
export function mysqlError(error: unknown, address: string): unknown {
  if (error instanceof TenonError) return error;
  const name = errnoOf(error);
  const { errno = 0, sqlState = '' } = error as { errno?: number; sqlState?: string };
  const code = NUMBERS[errno] ?? CODES[name] ?? (/^(22|25|42)/.test(sqlState) ? 'BAD_SQL' : 'SOURCE_UNAVAILABLE');
  const message = redact(error instanceof Error ? error.message || name : String(error)).slice(0, 2_000);
  return new TenonError(code, `${address}: ${message}.`, { address, error: name }, { cause: error });
}

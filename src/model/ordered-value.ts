import { TenonError } from './errors.ts';
import { formatType, type ColumnType } from './types.ts';

/** A key in its ordered form may be this long; an index row of Postgres has to hold it. */
const MAX_KEY_BYTES = 1_024;

/** Null's form: it sorts before every value. No value has it, because an empty string is written as `EMPTY`. */
const NULL_KEY = '';
const EMPTY = '\u0001';

/**
 * Text that sorts, byte by byte, as the values of the type do. Null comes first. Integers and decimals share one form,
 * and a date has the form of its midnight, so that a key whose type is widened keeps the keys that are stored.
 *
 * - integers and decimals, of any size: sign, count of digits before the point, digits; negative ones complemented;
 * - float and double: the bits of IEEE 754, with the sign flipped for positive and all flipped for negative numbers;
 * - dates and timestamps: ISO, in UTC where they have a zone, without a time of midnight; years 1 to 9999;
 * - strings: as they are.
 *
 * Throws BAD_INPUT for what is not a value of the type, LIMIT for what is too long, UNSUPPORTED for nested types.
 */
export function orderedKey(value: string | null, type: ColumnType): string {
  if (value === null) return NULL_KEY;
  if (value.length > MAX_KEY_BYTES) throw tooLong();
  const key = orderedValue(value, type);
  if (key === undefined)
    throw new TenonError('BAD_INPUT', `«${value.slice(0, 100)}» is not a ${formatType(type)}.`, { value: value.slice(0, 100) });
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw tooLong();
  return key;
}

const BOOLEANS = new Map([
  ['false', '0'],
  ['true', '1'],
]);

/** The doubles that are not written with digits, as Java, Postgres and DuckDB write them. NaN sorts last. */
const NO_DIGITS = new Map([
  ['nan', NaN],
  ['inf', Infinity],
  ['infinity', Infinity],
  ['-inf', -Infinity],
  ['-infinity', -Infinity],
]);

function orderedValue(value: string, type: ColumnType): string | undefined {
  switch (type.kind) {
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return /^[+-]?\d+$/.test(value) ? orderedNumber(value) : undefined;
    case 'decimal':
      return orderedNumber(value);
    case 'float':
    case 'double':
      return orderedFloat(value, type.kind === 'float');
    case 'boolean':
      return BOOLEANS.get(value.toLowerCase());
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return orderedTime(value, type.kind);
    case 'string':
    case 'binary':
      return orderedString(value);
    default:
      throw new TenonError('UNSUPPORTED', `A ${type.kind} cannot be a partition key; the simple types can.`);
  }
}

/** For numbers written with digits, of any length up to the limit of a key. Undefined for anything else. */
export function orderedNumber(value: string): string | undefined {
  const match = /^([+-]?)0*(\d*?)(?:\.(\d*?)0*)?$/.exec(value);
  if (match === null || !/\d/.test(value)) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const digits = String(whole.length).padStart(4, '0') + whole + (fraction === '' ? '' : `.${fraction}`);
  if (sign !== '-' || (whole === '' && fraction === '')) return `1${digits}`;
  // Complemented, longer is smaller; the «~» at the end makes -1.25 sort after -1.255, as «.» sorts before it.
  return `0${digits.replace(/\d/g, (digit) => String(9 - Number(digit)))}~`;
}

function orderedFloat(value: string, single: boolean): string | undefined {
  const known = NO_DIGITS.get(value.toLowerCase());
  if (known === undefined && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?$/i.test(value)) return undefined;
  const exact = known ?? Number(value);
  // «+ 0» makes -0 the same as 0.
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE((single ? Math.fround(exact) : exact) + 0);
  const bits = bytes.readBigUInt64BE();
  const flipped = bits >> 63n === 1n ? ~bits & 0xffff_ffff_ffff_ffffn : bits | (1n << 63n);
  return flipped.toString(16).padStart(16, '0');
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)? ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/i;

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function isDate(text: string): boolean {
  if (!DATE.test(text) || text.startsWith('0000')) return false;
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8))];
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day >= 1 && day <= (month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0));
}

function orderedTime(value: string, kind: 'date' | 'timestamp' | 'timestamptz'): string | undefined {
  const match = TIME.exec(value);
  if (match === null) return undefined;
  const [, date = '', hour = '00', minute = '00', second = '00', fraction = '', zone] = match;
  if (!isDate(date) || hour > '23' || minute > '59' || second > '59') return undefined;
  if (kind === 'date') return DATE.test(value) ? value : undefined;
  if (zone !== undefined && kind === 'timestamp') return undefined;
  return withFraction(shift(`${date}T${hour}:${minute}:${second}Z`, zone), fraction);
}

function shift(instant: string, zone = 'Z'): string | undefined {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (match === null) return instant.slice(0, 19);
  const [, sign, hours = '0', minutes = '0'] = match;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const text = new Date(Date.parse(instant) - offsetMs).toISOString();
  return /^(?!0000)\d{4}-/.test(text) ? text.slice(0, 19) : undefined;
}

function withFraction(time: string | undefined, fraction: string): string | undefined {
  const rest = fraction.replace(/0+$/, '');
  const text = time?.replace('T', ' ');
  return rest === '' ? text?.replace(/ 00:00:00$/, '') : text && `${text}.${rest}`;
}

/** UTF-8 sorts as its code points do. NUL and half surrogates have no place in a text of Postgres. */
function orderedString(value: string): string {
  if (/[\0\p{Cs}]/u.test(value))
    throw new TenonError('BAD_INPUT', 'A partition value cannot contain NUL or half of a surrogate pair.');
  return value === '' || value.startsWith(EMPTY) ? EMPTY + value : value;
}

function tooLong(): TenonError {
  return new TenonError('LIMIT', `A partition value takes more than ${MAX_KEY_BYTES} bytes; the limit is fixed.`);
}

import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';

/**
 * A value as JSON can hold it without losing anything: integers beyond 2^53 and decimals as text, dates and times in ISO
 * 8601, binary in base64, the numbers that JSON lacks (NaN, Infinity) as their names. A map is an object when its keys are
 * text, else a list of {key, value}.
 */
export function toJson(value: DuckDBValue): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(toJson);
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, field]) => [name, toJson(field)]));
  if (value instanceof DuckDBMapValue) return mapToJson(value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (isTimestamp(value)) return value.toString().replace(' ', 'T');
  if (value instanceof DuckDBTimestampTZValue) return instantToText(value);
  return String(value);
}

function mapToJson(value: DuckDBMapValue): unknown {
  if (value.entries.every((entry) => typeof entry.key === 'string')) {
    return Object.fromEntries(value.entries.map((entry) => [String(entry.key), toJson(entry.value)]));
  }
  return value.entries.map((entry) => ({ key: toJson(entry.key), value: toJson(entry.value) }));
}

function isTimestamp(value: DuckDBValue): boolean {
  return (
    value instanceof DuckDBTimestampValue ||
    value instanceof DuckDBTimestampSecondsValue ||
    value instanceof DuckDBTimestampMillisecondsValue ||
    value instanceof DuckDBTimestampNanosecondsValue
  );
}

/** An instant in UTC. Its own toString would use the zone of this process. */
function instantToText(value: DuckDBTimestampTZValue): string {
  return `${new DuckDBTimestampValue(value.micros).toString().replace(' ', 'T')}Z`;
}

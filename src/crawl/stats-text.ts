import { MAX_STATS_CHARS } from '../model/partition-stats.ts';

/** Values of footers as texts in the spelling of their types. Undefined: there is none, or none that can be kept. */

/** As JavaScript has no smaller one, a float is written by the fewest digits that read back as it. NaN is no value. */
export function floatText(value: number, single: boolean): string | undefined {
  if (Number.isNaN(value)) return undefined;
  if (!single || !Number.isFinite(value)) return String(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

export function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}

/** Only years that all readers can write. */
export function dateText(days: bigint): string | undefined {
  return days >= FIRST_DAY && days <= LAST_DAY ? new Date(Number(days) * 86_400_000).toISOString().slice(0, 10) : undefined;
}

const FIRST_DAY = BigInt(Date.parse('0001-01-01') / 86_400_000);
const LAST_DAY = BigInt(Date.parse('9999-12-31') / 86_400_000);

/** `perSecond` units since 1970. An instant is told in UTC. */
export function timeText(value: bigint, perSecond: bigint, isInstant: boolean): string | undefined {
  const perDay = perSecond * 86_400n;
  const within = ((value % perDay) + perDay) % perDay;
  const date = dateText((value - within) / perDay);
  if (date === undefined) return undefined;
  const time = new Date(Number(within / perSecond) * 1_000).toISOString().slice(11, 19);
  const width = String(perSecond).length - 1;
  const fraction = String(within % perSecond)
    .padStart(width, '0')
    .replace(/0+$/, '');
  return `${date} ${time}${fraction === '' ? '' : `.${fraction}`}${isInstant ? 'Z' : ''}`;
}

/** Nothing that is too long, is no UTF-8, or has a NUL, which Postgres cannot keep. */
export function stringText(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_STATS_CHARS * 4) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.length > MAX_STATS_CHARS || text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

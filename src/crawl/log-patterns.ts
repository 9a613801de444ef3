import { simple, type ColumnType } from '../model/types.ts';

/** A kind of log, after Glue's word for it. */
export interface LogPattern {
  readonly format: string;
  /**
   * Of one line. The names of its groups are the columns. Anchored at both ends, and at each point only one way goes on, so
   * that a line is decided in one pass over it.
   */
  readonly pattern: RegExp;
  /** What is no string. Only what the pattern itself makes sure of. */
  readonly types: Readonly<Record<string, ColumnType>>;
  /** Tells apart what one format writes in two ways. */
  readonly options?: Readonly<Record<string, string | number>>;
}

const bigint = simple('bigint');
const int = simple('int');

const REQUEST = String.raw`"(?:(?<verb>[A-Z]{1,20}) (?<request>[^\s"\\]*(?:\\.[^\s"\\]*)*)(?: HTTP/(?<httpversion>\d(?:\.\d)?))?|(?<rawrequest>[^"\\]*(?:\\.[^"\\]*)*))"`;
const COMMON = String.raw`^(?<clientip>\S+) (?<ident>\S+) (?<auth>\S+) \[(?<timestamp>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] ${REQUEST} (?<response>\d{3}) (?:(?<bytes>\d{1,18})|-)`;
const QUOTED = (name: string): string => String.raw`"(?<${name}>[^"\\]*(?:\\.[^"\\]*)*)"`;
/** RFC 3164: no year and no zone, so it stays text. */
const STAMP = String.raw`(?<timestamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)`;
const RFC_3339 = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)`;

/** The narrower of two that may know the same line comes first. */
export const LOG_PATTERNS: readonly LogPattern[] = [
  {
    format: 'combined_apache',
    pattern: new RegExp(`${COMMON} ${QUOTED('referrer')} ${QUOTED('agent')}$`),
    types: { response: int, bytes: bigint },
  },
  { format: 'apache', pattern: new RegExp(`${COMMON}$`), types: { response: int, bytes: bigint } },
  {
    format: 'linux_kernel',
    pattern: new RegExp(String.raw`^${STAMP} (?<host>\S+) kernel:(?: \[ *(?<uptime>\d{1,9}\.\d{1,9})\])?(?: (?<message>.*))?$`),
    types: { uptime: simple('double') },
  },
  {
    format: 'ruby_logger',
    pattern: new RegExp(
      String.raw`^[DFEWIUA], \[(?<timestamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+) #(?<pid>\d{1,10})\] {1,2}(?<loglevel>[A-Z]{3,7}) -- (?<progname>[^:]*): (?<message>.*)$`,
    ),
    types: { pid: bigint },
  },
  {
    format: 'squid',
    pattern:
      /^(?<timestamp>\d{9,10}\.\d{3}) {1,6}(?<duration>\d{1,18}) (?<client>\S+) (?<result>[A-Z_]+)\/(?<status>\d{3}) (?<bytes>\d{1,18}) (?<method>[A-Z_-]+) (?<url>\S+) (?<user>\S+) (?<hierarchy>[A-Z_]+)\/(?<server>\S+) (?<content_type>\S+)$/,
    types: { timestamp: { kind: 'decimal', precision: 13, scale: 3 }, duration: bigint, status: int, bytes: bigint },
  },
  {
    format: 'redismonlog',
    pattern: /^(?<timestamp>\d{10}\.\d{6}) \[(?<database>\d{1,9}) (?<client>\S+)\] "(?<command>[^"]*)"(?: (?<params>.*))?$/,
    types: { timestamp: { kind: 'decimal', precision: 16, scale: 6 }, database: int },
  },
  {
    format: 'redislog',
    pattern:
      /^(?<pid>\d{1,10}):(?<role>[MSCX]) (?<timestamp>\d\d [A-Z][a-z]{2}(?: \d{4})? \d\d:\d\d:\d\d\.\d{3}) (?<level>[.*#-]) (?<message>.*)$/,
    types: { pid: bigint },
  },
  {
    format: 'syslog',
    pattern: new RegExp(
      String.raw`^<(?<priority>\d{1,3})>(?<version>[1-9]\d{0,2}) (?:-|(?<timestamp>${RFC_3339})) (?<hostname>\S{1,255}) (?<app_name>\S{1,48}) (?<process_id>\S{1,128}) (?<message_id>\S{1,32}) (?<structured_data>-|(?:\[[^\]"]+(?:"(?:[^"\\]|\\.)*"[^\]"]*)*\])+)(?: (?<message>.*))?$`,
    ),
    types: { priority: int, version: int, timestamp: simple('timestamptz') },
    options: { rfc: 5424 },
  },
  {
    format: 'syslog',
    pattern: new RegExp(
      String.raw`^(?:<(?<priority>\d{1,3})>)?${STAMP} (?<host>\S+) (?<program>[^\s:[\]]+)(?:\[(?<pid>\d{1,10})\])?:(?: (?<message>.*))?$`,
    ),
    types: { priority: int, pid: bigint },
    options: { rfc: 3164 },
  },
];

const GROUP = /\(\?<(?<name>[a-z_]+)>/g;

/** The columns of a pattern, in the order of its groups. */
export function logColumns({ pattern, types }: LogPattern): { name: string; type: ColumnType }[] {
  return [...pattern.source.matchAll(GROUP)].map((match) => {
    const name = match.groups?.['name'] ?? '';
    return { name, type: types[name] ?? simple('string') };
  });
}

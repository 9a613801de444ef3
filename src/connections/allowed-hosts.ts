import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { TenonError } from '../model/errors.ts';

/**
 * Which hosts a connection may lead to. Pure: who asks for a name resolves it first (`guarded-socket.ts`), and connects to the
 * very address that was judged. So it does not matter how a host is spelled, or what its name means a moment later.
 */
export interface HostRules {
  /** `*` for any: what the configuration says nothing about. */
  readonly names: ReadonlySet<string> | '*';
  readonly suffixes: readonly string[];
  readonly ranges: readonly Range[];
  /** Folders of Unix sockets. */
  readonly sockets: ReadonlySet<string>;
}

interface Range {
  readonly bytes: readonly number[];
  readonly bits: number;
}

const MAPPED: Range = { bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0], bits: 96 };

/**
 * Never, whatever is configured: «this host», link-local, multicast, reserved, and where clouds answer questions about
 * credentials. A source of data is at none of them.
 */
const NEVER = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.192/32',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
].flatMap((text) => readRange(text) ?? []);

/** They may resolve to anything where a resolver is not the cloud's own. */
const NEVER_NAMES = ['metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data', 'instance-data.ec2.internal'];

/** Names, `*.suffix`, addresses, `10.0.0.0/8` and `/folders/of/sockets`. Undefined allows what is not refused always. */
export function hostRules(allowed: readonly string[] | undefined): HostRules {
  if (allowed === undefined) return { names: '*', suffixes: [], ranges: [], sockets: new Set() };
  const names = new Set<string>();
  const suffixes: string[] = [];
  const ranges: Range[] = [];
  const sockets = new Set<string>();
  for (const rule of allowed) {
    const range = readRange(rule);
    const suffix = rule.startsWith('*.') ? plainName(rule.slice(2)) : undefined;
    const name = plainName(rule);
    if (rule.startsWith('/')) sockets.add(rule.replace(/\/+$/, ''));
    else if (range !== undefined) ranges.push(range);
    else if (suffix !== undefined) suffixes.push(`.${suffix}`);
    else if (name !== undefined) names.add(name);
    else
      throw new TenonError(
        'BAD_CONFIG',
        `connections.allowedHosts: «${rule.slice(0, 100)}» is no name, *.suffix, address or range.`,
      );
  }
  return { names, suffixes, ranges, sockets };
}

/** Why not to go to `host`, of which nothing is resolved yet; undefined: nothing speaks against resolving it. */
export function refusedHost(host: string, rules: HostRules): string | undefined {
  if (host.startsWith('/')) {
    const known = rules.names === '*' || rules.sockets.has(host.replace(/\/+$/, ''));
    return known ? undefined : 'is not in connections.allowedHosts';
  }
  const bytes = addressBytes(host);
  if (bytes !== undefined) return refusedBytes(bytes, host, rules);
  const name = plainName(host);
  if (name === undefined) return 'is no host';
  // A bucket may stand in front of it.
  if (NEVER_NAMES.some((never) => name === never || name.endsWith(`.${never}`))) return 'is where a cloud keeps credentials';
  // With ranges, only the address that it resolves to can say.
  return isNamed(name, rules) || rules.ranges.length > 0 ? undefined : 'is not in connections.allowedHosts';
}

/** Why not to connect to `address`, which is what `host` has been resolved to. */
export function refusedAddress(host: string, address: string, rules: HostRules): string | undefined {
  const bytes = addressBytes(address);
  return bytes === undefined ? 'has been resolved to no address' : refusedBytes(bytes, host, rules);
}

function refusedBytes(bytes: readonly number[], host: string, rules: HostRules): string | undefined {
  const all = [bytes, ...embedded(bytes)];
  if (all.some((one) => NEVER.some((range) => isIn(one, range))))
    return 'is link-local, reserved, or where a cloud keeps credentials';
  const name = addressBytes(host) === undefined ? plainName(host) : undefined;
  if (rules.names === '*' || (name !== undefined && isNamed(name, rules))) return undefined;
  return rules.ranges.some((range) => isIn(bytes, range)) ? undefined : 'is not in connections.allowedHosts';
}

function isNamed(name: string, { names, suffixes }: HostRules): boolean {
  return names === '*' || names.has(name) || suffixes.some((suffix) => name.endsWith(suffix));
}

/** As resolvers see it: lower case, ASCII, no dot at the end. Undefined for what is no name, among it a user or a port. */
export function plainName(text: string): string | undefined {
  // The resolver of URLs would stop at a slash and throw away line ends.
  if (/[\s/\\?#@:%<>[\]^|]/.test(text)) return undefined;
  const name = domainToASCII(text.normalize('NFKC').replace(/\.$/, '')).toLowerCase();
  return /^(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(name) && name.length <= 253 ? name : undefined;
}

/** 4 or 16 bytes of an address in any spelling that some resolver takes; a mapped IPv4 is one. Undefined for names. */
export function addressBytes(text: string): readonly number[] | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  if (isIP(bare) === 6) return sixteen(bare);
  return four(bare.normalize('NFKC').replaceAll('。', '.').replace(/\.$/, ''));
}

/** As `inet_aton` reads it: one to four parts, each decimal, octal or hexadecimal; the last fills what is left. */
function four(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || !parts.every((part) => /^(0x[0-9a-f]*|\d+)$/i.test(part))) return undefined;
  const numbers = parts.map(partNumber);
  const last = numbers.pop() ?? 0;
  const room = 4 - numbers.length;
  if (numbers.some((number) => !(number <= 255)) || !(last < 256 ** room)) return undefined;
  return [...numbers, ...Array.from({ length: room }, (_, i) => Math.floor(last / 256 ** (room - 1 - i)) % 256)];
}

function partNumber(part: string): number {
  if (/^0x/i.test(part)) return Number.parseInt(part.slice(2) || '0', 16);
  // Resolvers do not agree whether 08 is a number; as a decimal one it is judged at least.
  return /^0[0-7]+$/.test(part) ? Number.parseInt(part, 8) : Number(part);
}

function sixteen(text: string): readonly number[] {
  // URL writes the dotted end of an address as two groups.
  const [front = '', back] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::');
  const groups = (half: string) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [groups(front), groups(back ?? '')];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  const bytes = all.flatMap((group) => [group >> 8, group & 255]);
  return isIn(bytes, MAPPED) ? bytes.slice(12) : bytes;
}

/** IPv4 addresses that a gateway may make of an IPv6 one: compatible, NAT64, 6to4, Teredo, ISATAP. */
function embedded(bytes: readonly number[]): readonly (readonly number[])[] {
  if (bytes.length === 4) return [];
  const end = bytes.slice(12);
  const starts = (...first: number[]) => first.every((byte, i) => bytes[i] === byte);
  const found: (readonly number[])[] = [];
  if (bytes.slice(0, 12).every((byte) => byte === 0) && !bytes.slice(12, 15).every((byte) => byte === 0)) found.push(end);
  if (starts(0, 0x64, 0xff, 0x9b)) found.push(end);
  if (starts(0x20, 0x02)) found.push(bytes.slice(2, 6));
  if (starts(0x20, 0x01, 0, 0)) found.push(end.map((byte) => byte ^ 255));
  if (bytes[10] === 0x5e && bytes[11] === 0xfe) found.push(end);
  return found;
}

function readRange(text: string): Range | undefined {
  const [, address = '', length] = /^([0-9a-fx.:%[\]]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const bytes = address === '' ? undefined : addressBytes(address);
  const bits = length === undefined ? (bytes?.length ?? 0) * 8 : Number(length);
  return bytes === undefined || bits > bytes.length * 8 ? undefined : { bytes, bits };
}

function isIn(bytes: readonly number[], range: Range): boolean {
  if (bytes.length !== range.bytes.length) return false;
  return bytes.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, range.bits - i * 8));
    return byte >> (8 - bits) === (range.bytes[i] ?? 0) >> (8 - bits);
  });
}

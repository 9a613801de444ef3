import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';

/** Time of one run in milliseconds. */
export async function timed(fn: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await fn();
  return performance.now() - start;
}

export interface Sides {
  readonly [side: string]: () => Promise<unknown>;
}

/**
 * Runs every side once to warm the page cache, then `rounds` times in an order that turns round each time (ABBA), so
 * that a machine that gets slower or faster favours nobody. Milliseconds, one list for each side.
 */
export async function interleaved(sides: Sides, rounds: number): Promise<Record<string, number[]>> {
  const names = Object.keys(sides);
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await sides[name]?.();
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      times[name]?.push(await timed(sides[name] ?? (async () => undefined)));
    }
  }
  return times;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The quantile by linear interpolation between the two nearest values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** «123 ms (118–130)»: the median and the middle half. */
export function spread(values: readonly number[]): string {
  return `${median(values).toFixed(0)} ms (${quantile(values, 0.25).toFixed(0)}–${quantile(values, 0.75).toFixed(0)})`;
}

/** What every benchmark says, beside what is its own. */
export interface Figures {
  /** How much there was to do. */
  readonly size: string | number;
  /** What Tenon took. */
  readonly tenon: unknown;
  /** What others took for the same, by name. */
  readonly peer?: unknown;
  /** The least that anybody could take on this machine. */
  readonly limit?: unknown;
  /** To be quoted: times of one run, divided. */
  readonly ratio?: Readonly<Record<string, number>>;
  /** Of Tenon's own process, in MB. */
  readonly rss_peak?: number;
  /** Of peers; Node's is there always. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly [own: string]: unknown;
}

/** One line of JSON for machines. Figures are quoted as ratios of one run; the machine is named with them. */
export function report(bench: string, figures: Figures): void {
  const versions = { node: process.version, ...figures.versions };
  const line = { bench, ...figures, versions, cores: cpus().length, commit: commit() };
  console.log(JSON.stringify(line, (_, value: unknown) => (typeof value === 'number' ? rounded(value) : value)));
}

/** Nothing here is known to more than four digits. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

/** Median and the middle half, as numbers. */
export function middle(values: readonly number[]): { readonly median: number; readonly iqr: readonly [number, number] } {
  return { median: median(values), iqr: [quantile(values, 0.25), quantile(values, 0.75)] };
}

/** Proportional set size of a process and its descendants in MiB: shared pages are counted once. Linux only. */
export function memoryOf(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, each) => sum + pss(each), 0) / 1024;
}

export function descendants(pid: number): number[] {
  const pairs = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] => pairs.flatMap(([child = 0, of]) => (of === parent ? [child, ...below(child)] : []));
  return below(pid);
}

/** Of the processes below one, those that have ended among them, in milliseconds since they began. Linux counts in hundredths. */
export function cpuMsBelow(pid: number): number {
  return descendants(pid).reduce((sum, each) => {
    try {
      const fields = readFileSync(`/proc/${each}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return sum + fields.slice(11, 15).reduce((all, ticks) => all + Number(ticks) * 10, 0);
    } catch {
      return sum;
    }
  }, 0);
}

export function pss(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Runs Node on a script to its end; its output is given back, a failure is thrown with it. */
export function node(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  return output(process.execPath, args, env);
}

/** The same with any program. */
export function output(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString());
      else reject(new Error(`${args.join(' ')} ended with ${code}: ${Buffer.concat(errors).toString().slice(-2000)}`));
    });
  });
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

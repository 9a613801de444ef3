import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fakeLake } from '../test/servers/fake-lake.ts';
import { median, node, report } from './measure.ts';

/**
 * B1, B1b, B2 and B13: a lake that a process of its own makes up as it is asked, crawled into a new catalog and crawled again,
 * beside our bare listing and a loop over the SDK that stores nothing. Every side is a process of its own.
 * `node dist/bench/crawl.js [S,M,L] [rounds] [latency in ms] [listing|footers]`
 */
const sizes = (process.argv[2] ?? 'S,M').split(',');
const rounds = Number(process.argv[3] ?? 3);
const latencyMs = Number(process.argv[4] ?? 0);
const inventory = process.argv[5] ?? 'listing';
const PARTITIONS: Readonly<Record<string, number>> = { S: 1_000, M: 10_000, L: 100_000 };
const FILES = 10;
const SIDES = ['scanner', 'sdk', 'crawl', 'recrawl'];
const SIDE = fileURLToPath(new URL('crawl-side.js', import.meta.url));
const SERVER = fileURLToPath(new URL('lake-server.js', import.meta.url));

interface Measured {
  readonly objects: number;
  readonly ms: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly lists: number;
  readonly others: number;
  readonly wrote?: boolean;
  readonly inventory?: unknown;
}

const truth: { contents: readonly Buffer[] | undefined } = { contents: undefined };
const growth: { objects: number; ms: number; cpuMs: number; peakMb: number }[] = [];
for (const size of sizes) await bench(size, PARTITIONS[size] ?? Number(size));
if (growth.length > 1) reportGrowth();

async function bench(size: string, partitions: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  const server = await startServer(partitions);
  try {
    const kept = join(folder, 'kept');
    check(await run('crawl', kept, server), partitions);
    const found: Record<string, Measured[]> = Object.fromEntries(SIDES.map((side) => [side, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
        const dataDir = side === 'recrawl' ? kept : join(folder, `round${round}`);
        const one = await run(side, dataDir, server);
        if (one.objects !== partitions * FILES) throw new Error(`${side} found ${one.objects} objects.`);
        if (side === 'crawl' || side === 'recrawl') check(one, partitions);
        if (side === 'recrawl' && (one.wrote === true || one.others > 0))
          throw new Error(`A crawl that found nothing new wrote (${one.wrote}) or read ${one.others} objects.`);
        found[side]?.push(one);
        if (side === 'crawl') await rm(dataDir, { recursive: true, force: true });
      }
    }
    print(size, partitions * FILES, found);
  } finally {
    server.process.stdin?.end();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Server {
  readonly process: ChildProcess;
  readonly url: string;
  line(): Promise<string>;
}

async function startServer(partitions: number): Promise<Server> {
  const format = inventory === 'footers' ? 'parquet' : 'csv';
  const child = spawn(process.execPath, [SERVER, String(partitions), String(FILES), String(latencyMs), format], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout);
  const line = async (): Promise<string> => String((await once(lines, 'line'))[0]);
  const { url, sizes: bytes } = JSON.parse(await line()) as { url: string; sizes?: number[] };
  truth.contents = bytes?.map((length) => Buffer.alloc(length));
  return { process: child, url, line };
}

async function run(side: string, dataDir: string, server: Server): Promise<Measured> {
  const env = {
    AWS_ENDPOINT_URL_S3: server.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const answer = JSON.parse(await node([SIDE, side, dataDir, inventory], env)) as Measured;
  const asked = server.line();
  server.process.stdin?.write('\n');
  const counts = JSON.parse(await asked) as { lists: number; others: number };
  if (process.env['VERBOSE'] !== undefined) console.error(side, JSON.stringify({ ...answer, ...counts }));
  return { ...answer, ...counts };
}

/** The catalog holds exactly what the lake was made of. */
function check({ inventory: got }: Measured, partitions: number): void {
  const lake = fakeLake(partitions, FILES, truth.contents);
  const columns = ['id,url,at,extra', 'id,email,amount,quantity,extra', 'visitor,seconds,country,extra'];
  const expected = lake.tables.map(({ name, partitions: count, odd }, i) => ({
    name,
    columns: columns[i],
    partitions: count,
    files: count * FILES,
    bytes: String(lake.bytesOf(name)),
    rows: inventory === 'footers' ? String(count * FILES * 1_000) : 'undefined',
    odd,
  }));
  if (JSON.stringify(got) === JSON.stringify(expected)) return;
  throw new Error(`The catalog has ${JSON.stringify(got)} instead of ${JSON.stringify(expected)}.`);
}

function print(size: string, objects: number, found: Record<string, Measured[]>): void {
  const of = (side: string, what: keyof Measured): number => median((found[side] ?? []).map((one) => Number(one[what])));
  console.log(`Crawl ${size}: ${objects} objects, ${latencyMs} ms latency, inventory: ${inventory}, ${rounds} rounds`);
  for (const side of SIDES) {
    const times = (found[side] ?? []).map(({ ms }) => (ms / 1000).toFixed(2)).join(' ');
    console.log(
      `  ${side.padEnd(8)} ${(of(side, 'ms') / 1000).toFixed(2)} s (${times}), processor ${(of(side, 'cpuMs') / 1000).toFixed(2)} s, ` +
        `peak ${of(side, 'peakMb').toFixed(0)} MB, LIST ${of(side, 'lists')}, GET ${of(side, 'others')}`,
    );
  }
  const ratio = (a: string, b: string): number => of(a, 'ms') / of(b, 'ms');
  const lists = (1000 * of('crawl', 'lists')) / objects;
  report(inventory === 'footers' ? 'B1b' : 'B1', {
    size,
    objects,
    latencyMs,
    tenonMs: of('crawl', 'ms'),
    tenonCpuMs: of('crawl', 'cpuMs'),
    scannerMs: of('scanner', 'ms'),
    sdkMs: of('sdk', 'ms'),
    overScanner: ratio('crawl', 'scanner'),
    sdkOver: ratio('sdk', 'crawl'),
    peakMb: of('crawl', 'peakMb'),
    listsPer1000: lists,
    gets: of('crawl', 'others'),
  });
  const recrawl = { tenonMs: of('recrawl', 'ms'), overScanner: ratio('recrawl', 'scanner'), peakMb: of('recrawl', 'peakMb') };
  report('B2', { size, objects, latencyMs, ...recrawl, gets: of('recrawl', 'others'), writes: 0 });
  growth.push({ objects, ms: of('crawl', 'ms'), cpuMs: of('crawl', 'cpuMs'), peakMb: of('crawl', 'peakMb') });
}

/** B13: the slope of the logarithms, by least squares. 1 is linear. */
function reportGrowth(): void {
  const slope = (of: (one: (typeof growth)[number]) => number): number => {
    const points = growth.map((one) => [Math.log(one.objects), Math.log(of(one))] as const);
    const mean = (i: 0 | 1): number => points.reduce((sum, point) => sum + point[i], 0) / points.length;
    const [mx, my] = [mean(0), mean(1)];
    const above = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
    return above / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  };
  report('B13 crawl', {
    time: slope(({ ms }) => ms),
    processor: slope(({ cpuMs }) => cpuMs),
    memory: slope(({ peakMb }) => peakMb),
  });
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSide, sidesOf, type Inventory, type Measured } from './crawl-sides.ts';
import { growthOf } from './fit.ts';
import { openLake, type Lake } from './lake.ts';
import { median, middle, report } from './measure.ts';
import { PEER_VERSIONS, PEERS } from './peers.ts';

/**
 * B1, B1b, B2 and B13: a lake that a process of its own makes up as it is asked, crawled into a new catalog and crawled again,
 * beside our bare listing and a loop over the SDK that stores nothing; with TENON_BENCH_PEERS=1 also beside a loop over boto3,
 * DataHub's s3 source, and awswrangler where it is Parquet. Every side is a process of its own. Sizes are S (10,000 objects),
 * M (100,000), L (1,000,000) or numbers of partitions of ten objects; of three sizes and more it also says how the crawl grows.
 * `node dist/bench/crawl.js [S,M,L] [rounds] [latencies in ms: 0,50,150] [listing|footers]`
 */
const sizes = (process.argv[2] ?? 'S,M').split(',');
const rounds = Number(process.argv[3] ?? 3);
const latencies = (process.argv[4] ?? '0').split(',').map(Number);
const inventory: Inventory = process.argv[5] === 'footers' ? 'footers' : 'listing';
const PARTITIONS: Readonly<Record<string, number>> = { S: 1_000, M: 10_000, L: 100_000 };

type Found = Readonly<Record<string, Measured[]>>;

const growth: { readonly objects: number; readonly latencyMs: number; readonly crawl: readonly Measured[] }[] = [];
for (const size of sizes) await bench(size, PARTITIONS[size] ?? Number(size));
for (const latencyMs of latencies) reportGrowth(latencyMs);

async function bench(size: string, partitions: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  const lake = await openLake(partitions, inventory === 'footers' ? 'parquet' : 'csv');
  try {
    for (const latencyMs of latencies) {
      await lake.delay(latencyMs);
      const found = await runAll(lake, join(folder, String(latencyMs)));
      print(size, latencyMs, lake, found);
      growth.push({ objects: lake.objects, latencyMs, crawl: found['crawl'] ?? [] });
    }
  } finally {
    lake.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** In turn, and then the other way round (ABBA). The catalog of the first crawl is kept for those that crawl again. */
async function runAll(lake: Lake, folder: string): Promise<Found> {
  const sides = sidesOf(lake);
  const found: Found = Object.fromEntries(sides.map((side) => [side, []]));
  const kept = join(folder, 'round0');
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const dataDir = side === 'recrawl' ? kept : join(folder, `round${round}`);
      found[side]?.push(await runSide(side, lake, dataDir, inventory));
      if (side === 'crawl' && dataDir !== kept) await rm(dataDir, { recursive: true, force: true });
    }
  }
  await rm(folder, { recursive: true, force: true });
  return found;
}

function of(found: Found, side: string, what: keyof Measured): number {
  return median((found[side] ?? []).map((one) => Number(one[what] ?? 0)));
}

function print(size: string, latencyMs: number, lake: Lake, found: Found): void {
  console.log(`Crawl ${size}: ${lake.objects} objects, ${latencyMs} ms latency, inventory: ${inventory}, ${rounds} rounds`);
  for (const [side, all] of Object.entries(found)) {
    const seconds = (what: keyof Measured): string => `${(of(found, side, what) / 1000).toFixed(2)} s`;
    const times = all.map(({ ms }) => (ms / 1000).toFixed(2)).join(' ');
    const database = side.endsWith('crawl') ? ` and ${seconds('postgresCpuMs')} in Postgres` : '';
    console.log(
      `  ${side.padEnd(11)} ${seconds('ms')} (${times}), processor ${seconds('cpuMs')}${database}, ` +
        `peak ${of(found, side, 'peakMb').toFixed(0)} MB, LIST ${of(found, side, 'lists')}, GET ${of(found, side, 'others')}`,
    );
  }
  const shared = { size, objects: lake.objects, latencyMs, inventory, rounds, limit: { scanner: figures(found, 'scanner') } };
  reportCrawl(shared, found);
  report('B2', {
    ...shared,
    tenon: { ...figures(found, 'recrawl'), writes: 0 },
    ratio: { toScanner: of(found, 'recrawl', 'ms') / of(found, 'scanner', 'ms') },
    rss_peak: of(found, 'recrawl', 'peakMb'),
  });
}

function figures(found: Found, side: string): Record<string, unknown> {
  const { median: ms, iqr } = middle((found[side] ?? []).map((one) => one.ms));
  const counts = { lists: of(found, side, 'lists'), gets: of(found, side, 'others') };
  const own = side.endsWith('crawl') ? { postgresCpuMs: of(found, side, 'postgresCpuMs') } : {};
  return { ms, iqr, cpuMs: of(found, side, 'cpuMs'), ...own, peakMb: of(found, side, 'peakMb'), ...counts };
}

function reportCrawl(shared: { readonly size: string; readonly objects: number }, found: Found): void {
  const others = Object.keys(found).filter((side) => side === 'sdk' || (PEERS as readonly string[]).includes(side));
  const ms = of(found, 'crawl', 'ms');
  report(inventory === 'footers' ? 'B1b' : 'B1', {
    ...shared,
    tenon: figures(found, 'crawl'),
    peer: Object.fromEntries(others.map((side) => [side, figures(found, side)])),
    ratio: {
      toScanner: ms / of(found, 'scanner', 'ms'),
      ...Object.fromEntries(others.map((side) => [`${side}ToTenon`, of(found, side, 'ms') / ms])),
    },
    rss_peak: of(found, 'crawl', 'peakMb'),
    versions: others.length > 1 ? PEER_VERSIONS : {},
    listsPer1000: (1000 * of(found, 'crawl', 'lists')) / shared.objects,
    ...(inventory === 'footers' && { footersPerSecond: (1000 * shared.objects) / ms }),
  });
}

/** B13. Of fewer than three sizes nothing can be said. */
function reportGrowth(latencyMs: number): void {
  const sized = growth.filter((one) => one.latencyMs === latencyMs);
  if (sized.length < 3) return;
  const grows = (what: (one: Measured) => number) =>
    growthOf(sized.map(({ objects, crawl }) => ({ x: objects, y: median(crawl.map(what)) })));
  const tenon = {
    wall: grows(({ ms }) => ms),
    processor: grows(({ cpuMs, postgresCpuMs = 0 }) => cpuMs + postgresCpuMs),
    memory: grows(({ peakMb }) => peakMb),
  };
  const line = Object.entries(tenon).map(([what, { exponent, r2 }]) => `${what} n^${exponent.toFixed(3)} (R² ${r2.toFixed(4)})`);
  console.log(`Growth over ${sized.map(({ objects }) => objects).join(', ')} objects at ${latencyMs} ms: ${line.join(', ')}`);
  report('B13 crawl', { size: sized.map(({ objects }) => objects).join(), latencyMs, inventory, rounds, tenon });
}

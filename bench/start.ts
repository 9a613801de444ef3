import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serve, type Serving } from '../docs/demo/command.ts';
import { descendants, interleaved, median, memoryOf, middle, node, pss, report, spread } from './measure.ts';

/**
 * B12: from nothing to the first right answer, reopening, `serve`, and the memory of a server that nobody asks anything.
 * Memory is the proportional set size: pages that processes share are counted once. `node dist/bench/start.js [rounds]`
 */
const rounds = Number(process.argv[2] ?? 5);
const MAIN = fileURLToPath(new URL('../bin/main.js', import.meta.url));
const IDLE_SECONDS = 10;

/** The last server that was told to stop. */
let stopping = Promise.resolve();

const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
try {
  await starts();
  await idle();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function starts(): Promise<void> {
  const kept = join(folder, 'kept');
  await tables(kept);
  let fresh = 0;
  const times = await interleaved(
    {
      fresh: () => tables(join(folder, `fresh${(fresh += 1)}`)),
      reopen: async () => {
        await tables(kept);
      },
      serve: () => serveUntilReady(kept),
      node: () => node(['-e', '0']),
    },
    rounds,
  );
  const of = (side: string): number[] => times[side] ?? [];
  console.log(`Start, ${rounds} rounds`);
  console.log(`  a new data directory: first answer of «tenon tables»     ${spread(of('fresh'))} (aim: ≤ 1,500 ms)`);
  console.log(`  the same directory again                                 ${spread(of('reopen'))} (aim: ≤ 700 ms)`);
  console.log(`  «tenon serve» on it until /readyz answers                ${spread(of('serve'))} (aim: < 2,000 ms)`);
  console.log(`  the machine's limit: «node -e 0»                         ${spread(of('node'))}`);
  report('B12 start', {
    size: 'empty',
    rounds,
    tenon: Object.fromEntries(['fresh', 'reopen', 'serve'].map((side) => [`${side}Ms`, middle(of(side))])),
    limit: { nodeMs: middle(of('node')) },
    ratio: { freshToNode: median(of('fresh')) / median(of('node')) },
  });
}

async function tables(dataDir: string): Promise<void> {
  const answer = JSON.parse(await node([MAIN, 'tables', '--json', '--data', dataDir])) as { tables: unknown[] };
  if (!Array.isArray(answer.tables)) throw new Error('No answer.');
}

/** Only until it is ready: stopping it is waited for before the next start. */
async function serveUntilReady(dataDir: string): Promise<void> {
  await stopping;
  const server = await openServer(dataDir);
  stopping = server.stop();
}

async function openServer(dataDir: string): Promise<Serving> {
  const server = await serve(dataDir);
  if (!(await fetch(`${server.address}/readyz`)).ok) throw new Error('The server is not ready.');
  return server;
}

/** Of a process and its descendants, user and system, since they began. Linux counts in hundredths. */
function cpuSeconds(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, each) => {
    const fields = readFileSync(`/proc/${each}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / 100;
  }, 0);
}

async function idle(): Promise<void> {
  await stopping;
  const server = await openServer(join(folder, 'kept'));
  try {
    const { pid } = server;
    const before = cpuSeconds(pid);
    await sleep(IDLE_SECONDS * 1_000);
    const nodeMiB = pss(pid) / 1024;
    const postgresMiB = memoryOf(pid) - nodeMiB;
    const cpu = ((cpuSeconds(pid) - before) / IDLE_SECONDS) * 100;
    console.log(
      `Idle after ${IDLE_SECONDS} s: Node ${nodeMiB.toFixed(0)} MiB (aim: ≤ 120), Postgres ${postgresMiB.toFixed(0)} MiB (aim: ≤ 60), CPU ${cpu.toFixed(2)} % (aim: ≤ 0.2)`,
    );
    report('B12 idle', { size: 'empty', tenon: { nodeMiB, postgresMiB, cpuPercent: cpu }, rss_peak: nodeMiB });
  } finally {
    await server.stop();
  }
}

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Every benchmark, each in a process of its own, so small that all of them together end in some minutes; what the README quotes is
 * of the sizes that it names. With TENON_BENCH_PEERS=1 the crawls are measured beside DataHub, awswrangler and boto3 too. `node
 * dist/bench/all.js [names]`
 */
const RUNS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['start'],
  ['job'],
  // B1, B2 and how both grow; the same behind a slow connection; all footers.
  ['crawl', '1250,2500,5000,10000', '1'],
  ['crawl', 'S', '1', '50,150'],
  ['crawl', 'S', '1', '0,50', 'footers'],
  ['infer', '300', '2'],
  ['accuracy'],
  ['event-latency', '1000,20000', '5'],
  ['dynamodb', '20000', '2000'],
];
const wanted = process.argv.slice(2);

for (const [name, ...args] of RUNS) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n$ node dist/bench/${[`${name}.js`, ...args].join(' ')}`);
  const script = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

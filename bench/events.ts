import { spawnSync } from 'node:child_process';

/**
 * K9: a million events that come twice, late and in any order end in the catalog that a crawl of everything makes; where
 * events were lost, the next crawl of everything makes them good. It is the test itself, with more events.
 * `node dist/bench/events.js [events]`
 */
const events = process.argv[2] ?? '1000000';
const { status } = spawnSync('npx', ['vitest', 'run', 'test/crawl/event-storm.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, TEST_STORM_EVENTS: events },
});
process.exitCode = status ?? 1;

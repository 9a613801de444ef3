import { expect } from 'vitest';
import { until } from '../until.ts';
import type { TestApi } from './api.ts';

/** Runs the crawler `lake` to its good end. */
export async function crawlLake(api: TestApi): Promise<void> {
  const { startCrawl } = await api.ask<{ startCrawl: { id: string } }>('mutation { startCrawl(crawler: "lake") { id } }');
  const state = await until(
    'the crawl ends',
    async () => {
      const { run } = await api.ask<{ run: { state: string } }>('query ($id: ID!) { run(id: $id) { state } }', startCrawl);
      return ['QUEUED', 'RUNNING'].includes(run.state) ? undefined : run.state;
    },
    30_000,
  );
  expect(state).toBe('SUCCEEDED');
}

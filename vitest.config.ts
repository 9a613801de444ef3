import { defineConfig } from 'vitest/config';
import { skipReporter } from './test/servers/skips.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/servers/setup.ts'],
    setupFiles: ['test/servers/outcome.ts'],
    reporters: ['default', skipReporter()],
    // Real servers, child processes and kills: a process of its own for each file keeps them apart.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

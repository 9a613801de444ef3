import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { memoryFolder } from './test/servers/memory-folder.ts';
import { skipReporter } from './test/servers/skips.ts';

const inMemory = memoryFolder();
if (inMemory !== undefined) process.env['TMPDIR'] = inMemory;

export default defineConfig({
  // Vite would take graphql's ES module and Node its CommonJS one: two GraphQLs, that do not know each other's schemas.
  resolve: {
    alias: [
      { find: /^graphql$/, replacement: createRequire(import.meta.url).resolve('graphql') },
      // As the package's exports have them, but from the sources.
      { find: /^tenon\/(crawler|testing)$/, replacement: fileURLToPath(new URL('src/plugin/$1.ts', import.meta.url)) },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'docs/examples/**/*.test.js'],
    globalSetup: ['test/servers/setup.ts'],
    setupFiles: ['test/servers/outcome.ts'],
    reporters: ['default', skipReporter()],
    // Real servers, child processes and kills want processes, not threads. Files share theirs, one after another: a sixth of
    // the time went into starting one for each file and loading everything again. So what a file changes, it changes back.
    pool: 'forks',
    isolate: false,
    // One more than there are cores: a file waits for its servers a fifth of its time. Left to itself, vitest leaves a core idle.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

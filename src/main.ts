#!/usr/bin/env node

// The process list shows this instead of the arguments, in which a password may stand. Before anything is loaded: that
// takes longer than somebody needs to look.
process.title = 'tenon';
// Whoever reads our output may stop reading (`tenon tables | head -1`): that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const [{ programVersion }, { runCli }] = await Promise.all([import('./db/migrations.ts'), import('./cli/program.ts')]);
process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  version: programVersion(),
  loadParts: async () => {
    const [{ fileCrawler }, { s3Crawler }, { postgresCrawler }] = await Promise.all([
      import('../crawlers/file.ts'),
      import('../crawlers/s3.ts'),
      import('../crawlers/postgres.ts'),
    ]);
    return {
      crawlers: [fileCrawler, s3Crawler, postgresCrawler],
      loadSchema: async () => (await import('../graphql/schema.ts')).schema,
      version: programVersion(),
    };
  },
});

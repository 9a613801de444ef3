#!/usr/bin/env node

// The process list shows this instead of the arguments, in which a password may stand. Before anything is loaded: that
// takes longer than somebody needs to look.
process.title = 'tenon';
// Whoever reads our output may stop reading (`tenon changes --follow | head -1`): that is no error, but as good as Ctrl-C. Not
// an exit at once: an owner has a database to stop.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exit(1);
  process.emit('SIGINT');
});

// Node has it from version 21 on. Without it `pg` makes a Response to see where it runs, for which all of fetch is loaded.
if (!('navigator' in globalThis)) Object.assign(globalThis, { navigator: { userAgent: `Node.js/${process.versions.node}` } });

const [{ programVersion }, { runCli }] = await Promise.all([import('./db/migrations.ts'), import('./cli/program.ts')]);
process.exitCode = await runCli({
  argv: process.argv.slice(2),
  env: process.env,
  version: programVersion(),
  loadParts: async () => {
    const [{ fileCrawler }, { s3Crawler }, { postgresCrawler }, { mysqlCrawler }, { dynamodbCrawler }] = await Promise.all([
      import('../crawlers/file.ts'),
      import('../crawlers/s3.ts'),
      import('../crawlers/postgres.ts'),
      import('../crawlers/mysql.ts'),
      import('../crawlers/dynamodb.ts'),
    ]);
    return {
      crawlers: [fileCrawler, s3Crawler, postgresCrawler, mysqlCrawler, dynamodbCrawler],
      loadSchema: async () => (await import('../graphql/schema.ts')).schema,
      version: programVersion(),
    };
  },
});

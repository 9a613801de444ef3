import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, commandOn, serve, type Command } from './command.ts';
import { buildLake, layAirports, layFlights, layNormals } from './lake.ts';
import { chapter, list, say } from './show.ts';
import { openSourceDynamodb } from './source-dynamodb.ts';
import { openSourceDatabase, type SourceDatabase } from './source-database.ts';

const ROOT = resolve('tenon-demo');
const MARK = join(ROOT, '.made-by-the-tenon-demo');
const LAKE = join(ROOT, 'lake');
const DATA = join(ROOT, 'data');
const JOB = fileURLToPath(new URL('../../../docs/demo/delays.json', import.meta.url));
const started = Date.now();

await clearFolder();
console.log(
  'Tenon: a data catalog that crawls, versions, guards and runs. This demo takes about a minute, and uses real published data.',
);

chapter('A small lake and a database, as a company has them');
list(await buildLake(LAKE));
const source = await openSourceDatabase(join(ROOT, 'source-database'));
list(['Postgres, database postgres             3200 films (public.movies), share prices (market.stocks) and a view']);

const dynamodb = await openSourceDynamodb();
list([`DynamoDB, table travel                     ${dynamodb.items} items: airports, flights and states in one table`]);
Object.assign(process.env, dynamodb.env);

const server = await serve(DATA);
try {
  await tour(commandOn(DATA, relative('.', DATA)), source);
} finally {
  await server.stop();
  await source.close();
  await dynamodb.close();
}
say('');
say(
  `Done in ${((Date.now() - started) / 1000).toFixed(0)} s. Everything is in ${relative('.', ROOT)}/; to look around in it, with the API on http://127.0.0.1:4000:`,
);
console.log(`\n     npx tenon serve --data ${relative('.', DATA)}\n`);

async function tour(tenon: Command, database: SourceDatabase): Promise<void> {
  chapter('Crawl them: columns, partitions and versions are found, not declared');
  await tenon(['crawl', relative('.', LAKE), '--database', 'lake']);
  await tenon(['crawl', database.url, '--database', 'shop']);
  await tenon(['tables']);
  await tenon(['table', 'lake.weather', '--partitions', "location = 'Seattle' and year >= 2013"]);

  chapter('DynamoDB declares only its keys: which kinds of items share a table is found by a sample');
  await tenon(['crawl', 'dynamodb://us-east-1', '--database', 'nosql']);
  await tenon(['table', 'nosql.travel']);
  await checkEntityTypes(tenon);

  chapter('Search: names, columns and comments, also misspelt, and each hit says why');
  await tenon(['search', 'magnitude']);
  await tenon(['search', 'precipitaton']);

  chapter('The source changes: a new year arrives with other columns');
  await layNormals(LAKE);
  await tenon(['crawl', relative('.', LAKE), '--database', 'lake']);
  await tenon(['diff', 'lake.weather', '1', '2']);
  await tenon(['changes', '--limit', '3']);
  say(
    'Older partitions keep their own version; the table reads them all. Crawled again, nothing changes and nothing is written:',
  );
  await tenon(['crawl', relative('.', LAKE), '--database', 'lake']);

  await jobs(tenon);
  await gate(tenon);
}

async function checkEntityTypes(tenon: Command): Promise<void> {
  const { table } = await ask<{ table: { details: { source: { dynamodb: { entityTypes: { name: string }[] } } } } }>(tenon, [
    'table',
    'nosql.travel',
  ]);
  const found = table.details.source.dynamodb.entityTypes.map(({ name }) => name).join(', ');
  if (found !== 'AIRPORT_FLIGHT, AIRPORT_INFO, STATE_SUMMARY') throw new Error(`The crawl found ${found}.`);
}

async function jobs(tenon: Command): Promise<void> {
  chapter('A job reads tables by their catalog names, writes Parquet and registers it, all in one commit');
  const out = { OUT: join(ROOT, 'out') };
  await tenon(['job', 'run', relative('.', JOB)], { env: out });
  say('Flights of March land. The bookmark knows each file that was read, so the next run reads only the new one:');
  await layFlights(LAKE, ['2001-03']);
  await tenon(['crawl', relative('.', LAKE), '--database', 'lake']);
  await tenon(['job', 'run', relative('.', JOB)], { env: out });
  await tenon([
    'sql',
    "select month, state, flights, average_delay from lake.delays where state in ('TX', 'CA', 'IL') order by month, average_delay desc",
  ]);
  const { rows } = await ask<{ rows: [string][] }>(tenon, ['sql', 'select sum(flights)::varchar from lake.delays']);
  if (rows[0]?.[0] !== '20000') throw new Error(`The job counted ${rows[0]?.[0]} flights; there are 20000.`);
}

async function gate(tenon: Command): Promise<void> {
  chapter('The gate: a job never runs on a table that it no longer fits');
  say('Somebody renames the column state of the airports to province. The job reads it:');
  await layAirports(LAKE, (header) => header.replace('state', 'province'));
  await tenon(['crawl', relative('.', LAKE), '--database', 'lake']);
  await tenon(['job', 'run', 'delays', '--param', `OUT=${join(ROOT, 'out')}`], { expect: 3 });
  say('Nothing was read and nothing was written. The column comes back, and so does the job:');
  await layAirports(LAKE, (header) => header);
  await tenon(['crawl', relative('.', LAKE), '--database', 'lake']);
  await tenon(['job', 'run', 'delays', '--param', `OUT=${join(ROOT, 'out')}`]);
}

/** Starts afresh, but removes only what an earlier demo made. */
async function clearFolder(): Promise<void> {
  if (existsSync(ROOT) && !existsSync(MARK)) {
    console.error(`The folder ${relative('.', ROOT)} exists and was not made by this demo. Move it away and try again.`);
    process.exit(1);
  }
  await rm(ROOT, { recursive: true, force: true });
  await mkdir(ROOT, { recursive: true });
  await writeFile(MARK, '');
}

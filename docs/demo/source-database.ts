import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { dataset } from './lake.ts';

export interface SourceDatabase {
  readonly url: string;
  run(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** A Postgres as a company would have one, with films and share prices in it. It lives as long as the demo. */
export async function openSourceDatabase(dataDir: string): Promise<SourceDatabase> {
  const postgres = await openEmbeddedPostgres(dataDir);
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await loadMovies(client);
  await loadStocks(client);
  return {
    url: postgres.url,
    run: async (sql) => {
      await client.query(sql);
    },
    close: async () => {
      await client.end();
      await postgres.close();
    },
  };
}

async function loadMovies(client: Client): Promise<void> {
  await client.query(`
    create table movies (
      id serial primary key, title text not null, director text, distributor text, major_genre text, release_date date,
      production_budget bigint, worldwide_gross bigint, imdb_rating numeric(3,1), imdb_votes integer);
    comment on table movies is 'Films with what they cost and earned';
    comment on column movies.worldwide_gross is 'US dollars, not adjusted for inflation'`);
  await client.query(
    `insert into movies (title, director, distributor, major_genre, release_date, production_budget, worldwide_gross, imdb_rating, imdb_votes)
     select m->>'Title', m->>'Director', m->>'Distributor', m->>'Major Genre', to_date(m->>'Release Date', 'Mon DD YYYY'),
            (m->>'Production Budget')::bigint, (m->>'Worldwide Gross')::bigint, (m->>'IMDB Rating')::numeric, (m->>'IMDB Votes')::integer
     from jsonb_array_elements($1::jsonb) m where m->>'Title' is not null`,
    [await readFile(dataset('movies.json'), 'utf8')],
  );
}

async function loadStocks(client: Client): Promise<void> {
  const lines = (await readFile(dataset('stocks.csv'), 'utf8')).trim().split('\n').slice(1);
  const cells = lines.map((line) => line.split(','));
  await client.query(`
    create schema market;
    create table market.stocks (symbol text, day date, price numeric(10,2) not null, primary key (symbol, day));
    comment on table market.stocks is 'Monthly closing prices of five technology shares';
    create view market.latest as select distinct on (symbol) symbol, day, price from market.stocks order by symbol, day desc`);
  await client.query(
    `insert into market.stocks select s, to_date(d, 'Mon DD YYYY'), p::numeric from unnest($1::text[], $2::text[], $3::text[]) as t(s, d, p)`,
    [0, 1, 2].map((column) => cells.map((row) => row[column])),
  );
}

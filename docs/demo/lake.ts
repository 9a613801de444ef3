import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/** A file of the package vega-datasets: published real data, in the formats that it was published in. */
export function dataset(name: string): string {
  return fileURLToPath(new URL(`../data/${name}`, import.meta.resolve('vega-datasets')));
}

interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** Lays real data out as a lake would hold it. Flights of March are left for later. Returns what a person should know of it. */
export async function buildLake(lake: string): Promise<string[]> {
  const weather = await layWeather(lake);
  const flights = await layFlights(lake, ['2001-01', '2001-02']);
  const airports = await layAirports(lake, (header) => header);
  const earthquakes = await layEarthquakes(lake);
  return [
    `weather/location=…/year=…/*.csv        ${weather} daily observations in Seattle and New York`,
    `flights/month=…/*.json                 ${flights} flights of January and February 2001, JSON lines`,
    `airports/airports.csv                  ${airports} airports of the USA`,
    `earthquakes/day=…/*.parquet            ${earthquakes} earthquakes of one week, from the USGS`,
  ];
}

async function layWeather(lake: string): Promise<number> {
  const [header = '', ...lines] = (await readFile(dataset('weather.csv'), 'utf8')).trim().split('\n');
  const columns = header.split(',').slice(1).join(',');
  const files = groupBy(lines, (line) => {
    const [location = '', date = ''] = line.split(',');
    return `location=${encodeURIComponent(location)}/year=${date.slice(0, 4)}`;
  });
  for (const [folder, rows] of files) {
    const body = rows.map((row) => row.slice(row.indexOf(',') + 1)).join('\n');
    await lay(join(lake, 'weather', folder, 'observations.csv'), `${columns}\n${body}\n`);
  }
  return lines.length;
}

/** One folder of JSON lines for each month given. */
export async function layFlights(lake: string, months: readonly string[]): Promise<number> {
  const flights = (JSON.parse(await readFile(dataset('flights-20k.json'), 'utf8')) as Flight[]).map((flight) => ({
    ...flight,
    date: flight.date.replaceAll('/', '-'),
  }));
  let count = 0;
  for (const [month, rows] of groupBy(flights, (flight) => flight.date.slice(0, 7))) {
    if (!months.includes(month)) continue;
    await lay(join(lake, 'flights', `month=${month}`, 'flights.json'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    count += rows.length;
  }
  return count;
}

/** The airports, under a header that the caller may change. */
export async function layAirports(lake: string, changeHeader: (header: string) => string): Promise<number> {
  const [header = '', ...lines] = (await readFile(dataset('airports.csv'), 'utf8')).trimEnd().split('\n');
  await lay(join(lake, 'airports', 'airports.csv'), `${[changeHeader(header), ...lines].join('\n')}\n`);
  return lines.length;
}

/** One Parquet file for each day, written by DuckDB from the USGS's GeoJSON. */
async function layEarthquakes(lake: string): Promise<number> {
  await mkdir(lake, { recursive: true });
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  try {
    await connection.run(
      `create table earthquakes as
       select f.id, f.properties.mag::decimal(4,2) as magnitude, f.properties.place, f.properties.magType as magnitude_type,
              make_timestamptz(f.properties.time::bigint * 1000) as happened_at, f.properties.felt::int as felt_by,
              struct_pack(longitude := f.geometry.coordinates[1], latitude := f.geometry.coordinates[2], depth_km := f.geometry.coordinates[3]) as focus,
              strftime(make_timestamp(f.properties.time::bigint * 1000), '%Y-%m-%d') as day
       from (select unnest(features) as f from read_json($file, maximum_object_size = 100000000))`,
      { file: dataset('earthquakes.json') },
    );
    await connection.run(
      `copy earthquakes to '${join(lake, 'earthquakes').replaceAll("'", "''")}' (format parquet, partition_by (day), filename_pattern 'quakes', overwrite_or_ignore)`,
    );
    const reader = await connection.runAndReadAll('select count(*)::int from earthquakes');
    return Number(reader.getRows()[0]?.[0]);
  } finally {
    connection.closeSync();
  }
}

/** The station's hourly normals arrive: a year with other columns, and with times of day where there were only days. */
export async function layNormals(lake: string): Promise<void> {
  const text = await readFile(dataset('seattle-weather-hourly-normals.csv'), 'utf8');
  await lay(join(lake, 'weather', 'location=Seattle', 'year=2010', 'normals.csv'), text);
}

async function lay(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

import { s3Crawler } from '../../crawlers/s3.ts';
import { createS3Store } from '../../src/connections/s3.ts';
import { findCrawler } from '../../src/crawl/crawlers.ts';
import { hasEvents, keepEvents, type SourceEvent } from '../../src/crawl/events.ts';
import { startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { ADMIN, openLab, storeConnections, type CatalogTable, type Lab } from './lab.ts';
import { randomFrom } from './random.ts';

export interface Storm {
  readonly seed: number;
  /** Events that reach the crawler, those that come twice counted. */
  readonly events: number;
  readonly folders: number;
  /** Events between two crawls. */
  readonly batch: number;
  /** Share of events that never arrive. */
  readonly lost: number;
  readonly grouping?: 'tenon' | 'glue';
}

export interface Weather {
  readonly delivered: number;
  readonly twice: number;
  readonly late: number;
  readonly lost: number;
  readonly crawls: number;
  readonly lists: number;
  readonly gets: number;
  /** What the catalog came to by events alone. */
  readonly byEvents: CatalogTable[];
  /** And after one crawl of everything more. */
  readonly afterAll: CatalogTable[];
  /** How many changes that one had to make. */
  readonly repaired: number;
  /** What a catalog that was empty has after one crawl of the lake as it is in the end. */
  readonly fresh: CatalogTable[];
}

/** Lets a lake change at random while its events come twice, out of order, late, or not at all. The same seed, the same storm. */
export async function rage(storm: Storm): Promise<Weather> {
  const fake = await startFakeS3();
  const store = createS3Store({ endpoint: fake.url, accessKeyId: 'key' }, 'secret');
  const lab = await openLab();
  const other = await openLab();
  const crawl = async (where: Lab, params: Record<string, unknown> = {}) => {
    const options = { crawler: s3Crawler, options: { url: 's3://lake/' }, connections: storeConnections(store), params };
    const end = await where.crawl({
      ...options,
      settings: { recrawl: 'events', samplePartitions: 'all', grouping: storm.grouping ?? 'tenon' },
      config: { removalAtLeast: 1_000_000 },
    });
    if (end.state !== 'SUCCEEDED') throw new Error(`A crawl ended ${end.state}: ${JSON.stringify(end)}`);
    return end;
  };
  try {
    const random = randomFrom(storm.seed);
    const counts = { delivered: 0, twice: 0, late: 0, lost: 0, crawls: 0, lists: 0, gets: 0 };
    const lake = lakeOf(fake, storm, random);
    for (let i = 0; i < storm.folders; i += 1) lake.change();
    await crawl(lab);
    const id = (await findCrawler(lab.t.db, ADMIN, 'lake'))?.id ?? '';
    let late: SourceEvent[] = [];
    const deliver = async (events: readonly SourceEvent[]): Promise<void> => {
      for (let at = 0; at < events.length; at += 1_000)
        await keepEvents(lab.t.ground, id, events.slice(at, at + 1_000), 10_000_000);
      counts.delivered += events.length;
      while (await hasEvents(lab.t.db, id)) {
        const { result } = await crawl(lab);
        counts.crawls += 1;
        counts.lists += result.bill.lists;
        counts.gets += result.bill.gets;
      }
    };
    while (counts.delivered < storm.events) {
      const sent = late;
      late = [];
      while (sent.length < storm.batch) {
        const event = lake.change();
        if (random() < storm.lost) counts.lost += 1;
        else if (random() < 0.05) counts.late += late.push(event) > 0 ? 1 : 0;
        else sent.push(event);
        if (random() < 0.1) counts.twice += sent.push(event) > 0 ? 1 : 0;
      }
      await deliver(shuffled(sent, random));
    }
    await deliver(late);
    // A later event of the same folder makes a lost one good: so some folders are never heard of again.
    for (let i = 0; storm.lost > 0 && i < storm.folders / 4; i += 1) counts.lost += lake.change().location === '' ? 0 : 1;
    const byEvents = plain(await lab.catalog());
    const changes = await lab.changes();
    await crawl(lab, { everything: true });
    const repaired = (await lab.changes()) - changes;
    const afterAll = plain(await lab.catalog());
    await crawl(other);
    return { ...counts, byEvents, repaired, afterAll, fresh: plain(await other.catalog()) };
  } finally {
    store.close();
    await fake.close();
    await lab.close();
    await other.close();
  }
}

/** Folders of partitions and flat ones, in which files come, change and go. Rarely one has another column, or no number. */
function lakeOf(fake: FakeS3, { folders, grouping }: Storm, random: () => number): { change(): SourceEvent } {
  // By Glue's rules one odd folder may make a table fall apart: then the odd are many, and the files of a folder are of one kind.
  const [odds, files] = grouping === 'glue' ? [0.1, 1] : [0.02, 3];
  const nameOf = (n: number): string => {
    const table = n % 7;
    if (table === 6) return `flat${n % 3}/`;
    if (table === 5) return `logs/2026/${String(1 + (n % 12)).padStart(2, '0')}/`;
    return `t${table}/dt=2026-${String(1 + (n % 12)).padStart(2, '0')}-${String(1 + (n % 28)).padStart(2, '0')}/part=${n}/`;
  };
  return {
    change() {
      const key = `${nameOf(Math.floor(random() * folders))}${Math.floor(random() * files)}.csv`;
      const location = `s3://lake/${key}`;
      if (random() < 0.4) {
        fake.bucket.remove(key);
        return { kind: 'removed', location };
      }
      // Flat folders have files of one kind: else it is their history that says whether they are one table or several.
      const odd = key.startsWith('flat') ? 0.5 : random();
      const head = odd < odds ? 'id,amount,note' : 'id,amount';
      const id = odd > 0.98 ? 'unknown' : String(Math.floor(random() * 1_000));
      fake.bucket.put(key, Buffer.from(`${head}\n${id},${(random() * 100).toFixed(2)}${odd < odds ? ',text' : ''}\n`));
      return { kind: 'created', location };
    },
  };
}

/** The order of columns tells which came first, and that is another one in each history. */
function plain(tables: readonly CatalogTable[]): CatalogTable[] {
  return tables.map((table) => ({
    ...table,
    columns: table.columns.toSorted(),
    partitions: table.partitions
      .map((partition) => ({ ...partition, columns: partition.columns.toSorted() }))
      .sort((a, b) => (a.values < b.values ? -1 : 1)),
  }));
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

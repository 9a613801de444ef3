import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLab, type CatalogTable, type Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

/** One file for each partition, by what its content is to be. */
function days(count: number, file: (day: number) => [name: string, content: string]): Record<string, string> {
  const entries = Array.from({ length: count }, (_, day) => {
    const [name, content] = file(day);
    return [`sales/n=${String(day).padStart(3, '0')}/${name}`, content] as const;
  });
  return Object.fromEntries(entries);
}

/** The only table; of its columns the names. */
async function table(): Promise<CatalogTable> {
  const [found] = await lab.catalog();
  if (found === undefined) throw new Error('There is no table.');
  const names = (columns: readonly string[]): string[] => columns.map((column) => column.split(' ')[0] ?? '');
  const partitions = found.partitions.map((one) => ({ ...one, columns: names(one.columns) }));
  return { ...found, columns: names(found.columns), partitions };
}

const CSV = 'id,name\n1,a\n2,b\n';
const config = { samplePartitions: 8 };

describe('many partitions that look alike', () => {
  it('are read in part, and all are recorded with their files and columns', async () => {
    lab.put(days(60, (day) => [`part-${day}.csv`, CSV]));
    const { result, state } = await lab.crawl({ config });
    expect([state, result.partitions, result.bill.gets]).toEqual(['SUCCEEDED', 60, 8]);
    const { partitions } = await table();
    expect(partitions).toHaveLength(60);
    for (const [day, { files, columns }] of partitions.entries()) {
      expect(files).toEqual([`sales/n=${String(day).padStart(3, '0')}/part-${day}.csv`]);
      expect(columns).toEqual(['id', 'name']);
    }
  });

  it('are all read where it is asked for', async () => {
    lab.put(days(20, (day) => [`part-${day}.csv`, CSV]));
    const { result } = await lab.crawl({ config: { samplePartitions: 100 } });
    expect(result.bill.gets).toBe(20);
  });

  it('are read as well where their files are named in another way', async () => {
    lab.put(days(60, (day) => (day === 31 ? ['other.csv', 'id,name,more\n1,a,true\n'] : [`part-${day}.csv`, CSV])));
    await lab.crawl({ config });
    const { columns, partitions } = await table();
    expect(columns).toEqual(['id', 'name', 'more']);
    expect(partitions[31]?.columns).toEqual(['id', 'name', 'more']);
    expect(partitions[30]?.columns).toEqual(['id', 'name']);
  });

  it('have the columns of the table where those that were read differ, the last and the newest among them', async () => {
    lab.put(days(60, (day) => [`part-${day}.csv`, day >= 59 ? 'id,name,late\n1,a,2.5\n' : CSV]));
    lab.put({ 'sales/n=040/part-40.csv': 'id,name,fresh\n1,a,x\n' }, new Date('2026-11-02T00:00:00Z'));
    await lab.crawl({ config });
    const { columns, partitions } = await table();
    expect(columns).toEqual(['id', 'name', 'fresh', 'late']);
    expect(partitions[59]?.columns).toEqual(['id', 'name', 'late']);
    expect(partitions.filter((one) => one.columns.length === 0).length).toBeGreaterThan(40);
  });

  it('are each read where the first of them are of several formats, or cannot be read', async () => {
    lab.put(days(40, (day) => [`part-${day}`, day % 2 === 0 ? CSV : '{"id":1,"name":"a"}\n']));
    const { result } = await lab.crawl({ config });
    expect(result.bill.gets).toBe(40);
    const { partitions } = await table();
    expect(new Set(partitions.map(({ format }) => format === undefined))).toEqual(new Set([true, false]));
  });

  it('are no table where none of those that were read is of a known format', async () => {
    lab.put(days(40, (day) => [`picture-${day}.png`, 'x']));
    const { result, state } = await lab.crawl({ config });
    expect([state, result.tables, result.skipped.length]).toEqual(['SUCCEEDED', 0, 40]);
  });

  it('leave out of each partition what is no data in those that were read', async () => {
    const notes = Object.fromEntries(
      Array.from({ length: 40 }, (_, day) => [`sales/n=${String(day).padStart(3, '0')}/notes.md`, '# x']),
    );
    lab.put({ ...days(40, (day) => [`part-${day}.csv`, CSV]), ...notes });
    await lab.crawl({ config });
    const { partitions } = await table();
    expect(partitions.map(({ files }) => files.length)).toEqual(Array.from({ length: 40 }, () => 1));
    const { result } = await lab.crawl({ config });
    expect([result.bill.gets, result.partitionsChanged]).toEqual([0, 0]);
  });

  it('cost nothing when nothing has changed, and only the new ones when a few are new', async () => {
    lab.put(days(60, (day) => [`part-${day}.csv`, CSV]));
    await lab.crawl({ config });
    const before = await lab.changes();
    const again = await lab.crawl({ config });
    expect([again.result.bill.gets, (await lab.changes()) - before]).toEqual([0, 0]);
    lab.put({ 'sales/n=900/part-1.csv': CSV, 'sales/n=005/part-5.csv': 'id,name,third\n1,a,x\n' });
    const third = await lab.crawl({ config });
    expect([third.result.bill.gets, third.result.partitionsAdded, third.result.partitionsChanged]).toEqual([2, 1, 1]);
    expect((await table()).columns).toEqual(['id', 'name', 'third']);
  });
});

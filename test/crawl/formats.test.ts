import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLab, type Lab } from './lab.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');

function fixture(name: string): Uint8Array {
  return readFileSync(join(FIXTURES, name));
}

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

describe('a lake of many formats', () => {
  it('becomes a table for each, whatever the files are called, and stays as it is', async () => {
    lab.put({
      'avro/part-0': fixture('avro/deflate.avro'),
      'orc/part-0': fixture('orc/zlib.orc'),
      'xml/orders.xml': fixture('xml/orders.xml'),
      'access/access.log': fixture('logs/access.log'),
      'sys/messages': fixture('logs/messages'),
      'packed/part-0': fixture('compressed/orders.csv.bz2'),
      'hadoop/part-0.snappy': fixture('compressed/orders.csv.snappy'),
    });
    const { state, result } = await lab.crawl();
    expect([state, result.unknowns, result.added]).toEqual(['SUCCEEDED', [], 7]);
    const tables = (await lab.catalog()).map(({ name, format, columns, partitions }) => [
      name,
      (format as { name: string; compression?: string }).name,
      (format as { compression?: string }).compression,
      columns.length,
      partitions[0]?.rows,
    ]);
    expect(tables).toEqual([
      ['access', 'combined_apache', undefined, 12, '21'],
      ['avro', 'avro', undefined, 2, '100'],
      ['hadoop', 'csv', 'hadoop-snappy', 4, '400'],
      ['orc', 'orc', undefined, 2, '500'],
      ['packed', 'csv', 'bzip2', 4, '400'],
      ['sys', 'syslog', undefined, 6, '3'],
      ['xml', 'xml', undefined, 5, '5'],
    ]);
    expect((await lab.crawl()).result).toMatchObject({ added: 0, changed: 0, removed: 0, bill: { gets: 0 } });
  });

  it('joins partitions of one table that are packed by different codecs inside of Avro and ORC', async () => {
    lab.put({
      'a/dt=2026-01-01/x.avro': fixture('avro/deflate.avro'),
      'a/dt=2026-01-02/x.avro': fixture('avro/zstandard.avro'),
      'o/dt=2026-01-01/x.orc': fixture('orc/zlib.orc'),
      'o/dt=2026-01-02/x.orc': fixture('orc/snappy.orc'),
    });
    const { state } = await lab.crawl();
    expect(state).toBe('SUCCEEDED');
    const tables = (await lab.catalog()).map(({ name, partitions }) => [name, partitions.map(({ rows }) => rows)]);
    expect(tables).toEqual([
      ['a', ['100', '100']],
      ['o', ['500', '500']],
    ]);
  });

  it('says of an archive of several files that it is nothing, and of xz what it is', async () => {
    lab.put({ 'a/two.zip': fixture('compressed/two-files.zip'), 'b/x.csv.xz': fixture('compressed/orders.csv.xz') });
    const { state, result } = await lab.crawl();
    expect(state).toBe('INCOMPLETE');
    expect(result.unknowns).toMatchObject([{ path: 'b/x.csv.xz', code: 'UNSUPPORTED' }]);
    expect(result.skipped.map(({ path }) => path)).toEqual(['a/two.zip']);
    expect(await lab.catalog()).toEqual([]);
  });
});

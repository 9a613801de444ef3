import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Classification, Classifier } from '../../src/crawl/classifier.ts';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { commonFormat } from '../../src/crawl/formats.ts';
import { sourceOf } from './bytes.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');

/** One file of each format, with the name that Glue has for it. */
const GOLDEN: readonly [string, string][] = [
  ['avro/all-types', 'avro'],
  ['orc/all-types', 'orc'],
  ['parquet/types.parquet', 'parquet'],
  ['json/no-extension', 'json'],
  ['xml/orders.xml', 'xml'],
  ['logs/access.log', 'combined_apache'],
  ['logs/common', 'apache'],
  ['logs/kern.log', 'linux_kernel'],
  ['logs/ruby.log', 'ruby_logger'],
  ['logs/squid.log', 'squid'],
  ['logs/redis-monitor', 'redismonlog'],
  ['logs/redis.log', 'redislog'],
  ['logs/messages', 'syslog'],
  ['csv/no-extension', 'csv'],
];

function known(format: string, confidence: number): Classifier {
  return { format, classify: () => Promise.resolve({ format: { name: format }, columns: [], confidence }) };
}

describe('classify', () => {
  it.each(GOLDEN)('knows %s without an extension', async (file, format) => {
    const found = await classify(sourceOf('part-00000', readFileSync(join(FIXTURES, file))), CLASSIFY_LIMITS);
    expect(found?.format.name).toBe(format);
  });

  it('takes the first that is sure, else the surest', async () => {
    const ask = async (...list: [string, number][]): Promise<string | undefined> => {
      const classifiers = list.map(([name, confidence]) => known(name, confidence));
      return (await classify(sourceOf('x', 'x'), CLASSIFY_LIMITS, [], classifiers))?.format.name;
    };
    expect(await ask(['a', 0.2], ['b', 1], ['c', 1])).toBe('b');
    expect(await ask(['a', 0.2], ['b', 0.5], ['c', 0.4])).toBe('b');
    expect(await ask(['a', 0], ['b', 0])).toBeUndefined();
  });

  it('reads every byte of a head once, however many classifiers look at it', async () => {
    const source = sourceOf('x', 'no, table\nat all');
    await classify(source, CLASSIFY_LIMITS);
    expect(source.reads).toHaveLength(1);
  });
});

describe('a file whose name is right', () => {
  it.each(['parquet/types.parquet', 'orc/zlib.orc'])('is read once, at its end: %s', async (file) => {
    const source = { ...sourceOf(file, readFileSync(join(FIXTURES, file))) };
    await classify(source, CLASSIFY_LIMITS);
    expect(source.reads).toEqual([{ start: 0, end: source.size }]);
  });
});

describe('files of one folder', () => {
  const xml = async (text: string): Promise<Classification> => {
    const found = await classify(sourceOf('x.xml', text), CLASSIFY_LIMITS);
    if (found === undefined) throw new Error('not known');
    return found;
  };

  it('have one row tag, also where one of them has a single row', async () => {
    const many = await xml('<orders><order><id>1</id><line n="1"/></order><order><id>2</id><line n="2"/></order></orders>');
    const one = await xml('<orders><order><id>3</id><line n="3"/><line n="4"/></order></orders>');
    expect(one.format.options).toEqual({ rowTag: 'line' });
    const common = commonFormat([many, one]);
    expect(common?.format.options).toEqual({ rowTag: 'order' });
    expect(common?.columns.map(({ name }) => name)).toEqual(['id', 'line']);
    expect(common?.readings.map((reading) => reading?.rows)).toEqual([2n, 1n]);
  });
});

describe('every format', () => {
  it('has fixtures beside what is expected of them', () => {
    for (const folder of ['avro', 'orc', 'parquet', 'json', 'xml', 'logs', 'csv'])
      expect(readdirSync(join(FIXTURES, folder)).filter((name) => name.endsWith('.expected.json')).length).toBeGreaterThan(10);
  });
});

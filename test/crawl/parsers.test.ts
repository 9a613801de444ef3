import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/config.ts';
import { CLASSIFY_LIMITS, type ByteSource } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { createParser, type Parser } from '../../src/crawl/parser.ts';
import { createParsers, type Parsers } from '../../src/crawl/parsers.ts';
import { TenonError } from '../../src/model/errors.ts';
import { zstdCopies } from './bombs.ts';
import { sourceOf, sourceOfFile } from './bytes.ts';
import { children } from './children.ts';
import { openLab } from './lab.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const CSV = 'id,name\n1,a\n2,b\n';

describe('a parser', () => {
  let parser: Parser;
  beforeEach(() => {
    parser = createParser({ timeMs: 400, heapBytes: LIMITS.classifyHeapBytes });
  });
  afterEach(() => parser.close());

  it('says in a process of its own what would be said here', async () => {
    const slow = createParser({ timeMs: 20_000, heapBytes: LIMITS.classifyHeapBytes });
    for (const folder of ['avro', 'orc', 'parquet', 'xml', 'compressed']) {
      for (const name of readdirSync(join(FIXTURES, folder)).filter((one) => !one.endsWith('.expected.json'))) {
        const source = sourceOfFile(join(FIXTURES, folder, name));
        const here = await classify(source, CLASSIFY_LIMITS).catch((error: unknown) => error);
        const there = await slow.classify(source, CLASSIFY_LIMITS, []).catch((error: unknown) => error);
        if (here instanceof TenonError) {
          expect(there).toMatchObject({ code: here.code, message: here.message, details: here.details });
        } else if (here !== undefined) {
          const { as, ...plain } = here as Exclude<Awaited<ReturnType<typeof classify>>, undefined>;
          expect(there).toEqual({ kind: 'found', found: plain, again: as !== undefined });
        }
      }
    }
    slow.close();
  });

  it('is killed when a file takes too long, and is ready for the next', async () => {
    await expect(parser.classify(sourceOf('a.csv.zst', zstdCopies()), CLASSIFY_LIMITS, [])).rejects.toMatchObject({
      code: 'LIMIT',
      details: { path: 'a.csv.zst', limit: 'classifyMs' },
    });
    expect((await parser.classify(sourceOf('a.csv', CSV), CLASSIFY_LIMITS, [])).found?.format.name).toBe('csv');
  });

  it('dies of a file that needs too much memory, and of nothing else', async () => {
    const small = createParser({ timeMs: 30_000, heapBytes: 16 * 1024 * 1024 });
    const many = `<a>${'<b><c/></b>'.repeat(80_000)}</a>`;
    await expect(small.classify(sourceOf('a.xml', many), CLASSIFY_LIMITS, [])).rejects.toMatchObject({
      code: 'LIMIT',
      details: { limit: 'classifyHeapBytes' },
    });
    expect((await small.classify(sourceOf('a.csv', CSV), CLASSIFY_LIMITS, [])).found?.format.name).toBe('csv');
    small.close();
  });

  it('hands on why a source cannot be read, and is ready for the next', async () => {
    const denied = new TenonError('SOURCE_DENIED', 'No.');
    const source: ByteSource = { path: 'a.csv', size: 10, read: () => Promise.reject(denied) };
    await expect(parser.classify(source, CLASSIFY_LIMITS, [])).rejects.toBe(denied);
    expect((await parser.classify(sourceOf('a.csv', CSV), CLASSIFY_LIMITS, [])).found?.format.name).toBe('csv');
  });

  it('starts anew where its process was killed while it was idle', async () => {
    const before = new Set(children());
    await parser.classify(sourceOf('a.csv', CSV), CLASSIFY_LIMITS, []);
    for (const pid of children().filter((one) => !before.has(one))) process.kill(Number(pid), 'SIGKILL');
    await expect.poll(() => children().filter((one) => !before.has(one))).toEqual([]);
    expect((await parser.classify(sourceOf('a.csv', CSV), CLASSIFY_LIMITS, [])).found?.format.name).toBe('csv');
  });

  it('does not count the time in which bytes are fetched', async () => {
    const source: ByteSource = {
      path: 'a.csv',
      size: CSV.length,
      read: () => new Promise((resolve) => setTimeout(() => resolve(Buffer.from(CSV)), 800)),
    };
    expect((await parser.classify(source, CLASSIFY_LIMITS, [])).found?.format.name).toBe('csv');
  });

  it('ends what is under way when it is closed, and begins nothing after', async () => {
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const read = (): Promise<Uint8Array> => {
      asked();
      return new Promise(() => undefined);
    };
    const ended = expect(parser.classify({ path: 'a.csv', size: 10, read }, CLASSIFY_LIMITS, [])).rejects.toMatchObject({
      code: 'STOPPED',
    });
    await isAsked;
    parser.close();
    await ended;
    await expect(parser.classify(sourceOf('a.csv', CSV), CLASSIFY_LIMITS, [])).rejects.toMatchObject({ code: 'STOPPED' });
  });
});

describe('a parser that is closed while it starts', () => {
  it('says that it was closed', async () => {
    const parser = createParser({ timeMs: 400, heapBytes: LIMITS.classifyHeapBytes });
    const ended = expect(parser.classify(sourceOf('a.csv', CSV), CLASSIFY_LIMITS, [])).rejects.toMatchObject({ code: 'STOPPED' });
    parser.close();
    await ended;
  });
});

describe('parsers', () => {
  let parsers: Parsers;
  beforeEach(() => {
    parsers = createParsers(LIMITS);
  });
  afterEach(() => parsers.close());

  it('tell of large files how their bytes read under another format, too', async () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => `${i},text ${i}\n`).join('');
    const found = await parsers.classify(sourceOf('a.csv', `id,name\n${rows}`), CLASSIFY_LIMITS, []);
    expect(found?.as?.({ name: 'csv', options: { ...found.format.options, null: 'NA' } })?.columns).toHaveLength(2);
  });

  it.each([
    ['a.csv', Buffer.from(`id,name\n${'1,a\n'.repeat(500_000)}`)],
    ['a', gzipSync(`id,name\n${'1,a\n2,b\n3,c\n'.repeat(20_000)}`)],
    ['a.parquet', readFileSync(join(FIXTURES, 'parquet/types.parquet'))],
    ['a.orc', readFileSync(join(FIXTURES, 'orc/zstd.orc'))],
    ['a.avro', readFileSync(join(FIXTURES, 'avro/deflate.avro'))],
    ['a.csv.zst', readFileSync(join(FIXTURES, 'compressed/orders.csv.zst'))],
  ])('read a file once, wherever it is parsed: %s', async (path, bytes) => {
    const source = sourceOf(path, bytes);
    expect(await parsers.classify(source, CLASSIFY_LIMITS, [])).toBeDefined();
    expect(source.reads).toHaveLength(1);
  });

  it('read a record that is longer than the first sample', async () => {
    const long = `{"a":"${'x'.repeat(3_000_000)}","b":1}\n{"a":"y","b":2}\n`;
    const found = await parsers.classify(sourceOf('a.json', long), CLASSIFY_LIMITS, []);
    expect(found?.columns.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(found?.as?.({ name: 'json', options: { layout: 'concatenated' } })).toBeDefined();
  });
});

describe('a crawl of files made to hurt', () => {
  it('names them as unknown, and records all others', async () => {
    const lab = await openLab();
    try {
      lab.put({ 'a/x.csv': CSV, 'bomb/x.csv.zst': zstdCopies(), 'c/x.orc': readFileSync(join(FIXTURES, 'orc/zstd.orc')) });
      const { state, result } = await lab.crawl({ limits: { classifyMs: 500 } });
      expect(state).toBe('INCOMPLETE');
      expect(result.unknowns).toMatchObject([{ path: 'bomb/x.csv.zst', code: 'LIMIT' }]);
      expect((await lab.catalog()).map(({ name }) => name)).toEqual(['a', 'c']);
    } finally {
      await lab.close();
    }
  });
});

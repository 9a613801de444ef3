import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { mergeStats, type PartitionStats } from '../../src/model/partition-stats.ts';
import { sourceOf } from './bytes.ts';
import { openLab, type Lab } from './lab.ts';
import { field, orc } from './orc.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/orc');
const read = (name: string): Buffer => readFileSync(join(FIXTURES, name));
const expectedOf = (name: string) =>
  JSON.parse(read(`${name}.expected.json`).toString()) as { rows: number; stats: PartitionStats };

async function statsOf(bytes: Uint8Array): Promise<PartitionStats | undefined> {
  const found = await classify(sourceOf('a.orc', bytes), { ...CLASSIFY_LIMITS, columnStats: true });
  return found?.facts === undefined ? undefined : mergeStats([found.facts]);
}

describe('what ORC footers say about columns', () => {
  it.each(['kinds.orc', 'stripes.orc'])('is what another program reads in the rows: %s', async (name) => {
    expect(await statsOf(read(name))).toEqual(expectedOf(name).stats);
  });

  it('is only read where it is asked for', async () => {
    expect((await classify(sourceOf('a.orc', read('kinds.orc')), CLASSIFY_LIMITS))?.facts).toBeUndefined();
  });
});

/** A file of one column `x`, of so many rows. */
interface Made {
  readonly kind: number;
  readonly rows?: number;
  readonly values?: number;
  readonly rootValues?: number;
  readonly statistics?: readonly Buffer[];
  readonly extra?: readonly Buffer[];
  readonly scale?: number;
  readonly writer?: number;
}

function made({ kind, rows = 3, values = 3, rootValues = rows, statistics = [], extra = [], scale, writer = 9 }: Made): Buffer {
  const root = Buffer.concat([field(1, 12), field(2, 1), field(3, Buffer.from('x'))]);
  const leaf = Buffer.concat([field(1, kind), ...(scale === undefined ? [] : [field(5, 9), field(6, scale)])]);
  const told = Buffer.concat([field(1, values), ...statistics]);
  const footer = [field(4, root), field(4, leaf), field(6, rows), field(7, field(1, rootValues)), field(7, told), ...extra];
  return orc(Buffer.concat(footer), 0, { writer });
}

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2);
const integers = (min: number, max: number): Buffer[] => [
  field(2, Buffer.concat([field(1, zigzag(min)), field(2, zigzag(max))])),
];
const texts = (kind: number, ...values: (Buffer | string)[]): Buffer[] => [
  field(kind, Buffer.concat(values.map((value, i) => field(i + 1, Buffer.from(value))))),
];
const INT = 3;
const TIMESTAMP = 9;
const DATE = 15;
const DECIMAL = 14;
const STRING = 7;

/** What is told of the column `x`. */
const told = async (file: Made): Promise<unknown> => (await statsOf(made(file)))?.['x'];

describe('hostile and doubtful ORC footers', () => {
  it('tell what is sure', async () => {
    expect(await told({ kind: INT, values: 2, statistics: integers(-5, 7) })).toEqual({ min: '-5', max: '7', nulls: 1 });
    expect(await told({ kind: INT, values: 0 })).toEqual({ nulls: 3 });
  });

  it('tell nothing of a column that has more values than the file has rows, or none', async () => {
    expect(await told({ kind: INT, values: 4, statistics: integers(1, 2) })).toBeUndefined();
    const none = Buffer.concat(integers(1, 2));
    const footer = [field(4, Buffer.concat([field(1, 12), field(2, 1), field(3, Buffer.from('x'))])), field(4, field(1, INT))];
    const file = orc(Buffer.concat([...footer, field(6, 1), field(7, field(1, 1)), field(7, none)]), 0);
    expect(await statsOf(file)).toBeUndefined();
  });

  it('tell nothing where the list is not that of all rows and all columns, or some are encrypted', async () => {
    const statistics = integers(1, 2);
    expect(await told({ kind: INT, rootValues: 2, statistics })).toBeUndefined();
    expect(await told({ kind: INT, statistics, extra: [field(7, field(1, 3))] })).toBeUndefined();
    expect(await told({ kind: INT, statistics, extra: [field(10, Buffer.alloc(0))] })).toBeUndefined();
  });

  it('tell no ends that the first writers got wrong', async () => {
    expect(await told({ kind: INT, statistics: integers(1, 2), writer: 0 })).toEqual({ nulls: 0 });
  });

  it('tell no integer that the column cannot hold', async () => {
    expect(await told({ kind: INT, statistics: integers(-(2 ** 40), 7) })).toEqual({ max: '7', nulls: 0 });
    expect(await told({ kind: 1, statistics: integers(-128, 128) })).toEqual({ min: '-128', nulls: 0 });
  });

  it.each(['', 'x', '1e5', '0x10', '1.234', '99999999999', '1'.repeat(5_000), '--1', '.5'])(
    'tell no decimal(9,2) that is spelled %s',
    async (text) => {
      expect(await told({ kind: DECIMAL, scale: 2, statistics: texts(6, text, '-0012.500') })).toEqual({
        max: '-12.50',
        nulls: 0,
      });
    },
  );

  it('tell no text that is too long, was shortened, or is none', async () => {
    const ends = async (...values: (Buffer | string)[]): Promise<unknown> =>
      told({ kind: STRING, statistics: texts(4, ...values) });
    expect(await ends('a', 'x'.repeat(129))).toEqual({ min: 'a', nulls: 0 });
    expect(await ends(Buffer.from([0xff]), 'a\0b')).toEqual({ nulls: 0 });
    const shortened = [field(4, Buffer.concat([field(4, Buffer.from('aa')), field(5, Buffer.from('bb'))]))];
    expect(await told({ kind: STRING, statistics: shortened })).toEqual({ nulls: 0 });
    // Of char(n) the footer has the blanks, and readers may have none.
    expect(await told({ kind: 17, statistics: texts(4, 'a ', 'b ') })).toEqual({ nulls: 0 });
  });

  it('tell no day or time of which the calendar or the last digits are not sure', async () => {
    const days = [field(7, Buffer.concat([field(1, zigzag(-200_000)), field(2, zigzag(0))]))];
    expect(await told({ kind: DATE, statistics: days })).toEqual({ max: '1970-01-01', nulls: 0 });
    expect(await told({ kind: DATE, statistics: days, extra: [field(11, 2)] })).toEqual({
      min: '1422-06-03',
      max: '1970-01-01',
      nulls: 0,
    });
    const far = [field(7, Buffer.concat([field(1, zigzag(2 ** 31)), field(2, zigzag(-(2 ** 31)))]))];
    expect(await told({ kind: DATE, statistics: far, extra: [field(11, 2)] })).toEqual({ nulls: 0 });
    const time = (...fields: Buffer[]): Made => ({ kind: TIMESTAMP, statistics: [field(9, Buffer.concat(fields))] });
    const ends = [field(3, zigzag(1_000)), field(4, zigzag(2_000))];
    expect(await told(time(...ends))).toEqual({ nulls: 0 });
    expect(await told(time(field(1, zigzag(1_000)), field(2, zigzag(2_000)), field(5, 1), field(6, 1)))).toEqual({ nulls: 0 });
    expect(await told(time(...ends, field(6, 1)))).toEqual({
      min: '1970-01-01 00:00:01',
      max: '1970-01-01 00:00:02',
      nulls: 0,
    });
    expect(await told(time(...ends, field(5, 11)))).toEqual({
      min: '1970-01-01 00:00:01.00000001',
      max: '1970-01-01 00:00:02.000999999',
      nulls: 0,
    });
    expect(await told(time(...ends, field(6, 9_999_999)))).toEqual({ nulls: 0 });
  });

  it('are refused where a statistic is no message', async () => {
    await expect(told({ kind: INT, statistics: [field(2, Buffer.from([0x08, 0xff]))] })).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
    });
  });
});

describe('partitions of ORC files', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await openLab();
  });
  afterEach(async () => {
    await lab.close();
  });

  const stats = async (): Promise<(PartitionStats | undefined)[]> =>
    (await lab.catalog()).flatMap(({ partitions }) => partitions.map((partition) => partition.stats));

  it('tell what all of their files say, where footers are the inventory', async () => {
    const file = (min: number, max: number, values = 3): Buffer => made({ kind: INT, values, statistics: integers(min, max) });
    lab.put({
      'sales/n=1/a.orc': file(5, 9),
      'sales/n=1/b.orc': file(-2, 6, 1),
      'sales/n=1/c.orc': made({ kind: INT, values: 0 }),
      'sales/n=2/a.orc': file(1, 1),
    });
    const { state, result } = await lab.crawl({ settings: { inventory: 'footers' } });
    expect([state, result.bill.gets]).toEqual(['SUCCEEDED', 4]);
    expect(await stats()).toEqual([{ x: { min: '-2', max: '9', nulls: 5 } }, { x: { min: '1', max: '1', nulls: 0 } }]);
    expect((await lab.catalog())[0]?.partitions.map(({ rows }) => rows)).toEqual(['9', '3']);
  });
});

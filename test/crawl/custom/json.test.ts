import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS } from '../../../src/crawl/classifier.ts';
import { customClassifier } from '../../../src/crawl/custom-kinds.ts';
import { formatType } from '../../../src/model/types.ts';
import { sourceOf } from '../bytes.ts';

const classify = (content: string, path: string, limits = CLASSIFY_LIMITS) =>
  customClassifier({ name: 'rows', kind: 'json', options: { path } }).classify(sourceOf('x.json', content), limits);

async function rowsOf(content: string, path: string): Promise<unknown> {
  const found = await classify(content, path);
  return (
    found && [
      found.columns.map(({ name, type }) => `${name} ${formatType(type)}`).join(', '),
      Number(found.rows),
      found.format.options,
    ]
  );
}

describe('a json classifier', () => {
  const DOCUMENT = '{"meta":{"n":2},"a":{"b":[{"id":1,"x":"u"},{"id":2}]},"odd name":{"k1":{"v":1.5},"k2":{"v":2}}}';

  it.each([
    ['$.a.b[*]', 'id bigint, x string', 2],
    ['$.a.b', 'id bigint, x string', 2],
    ['$.a.b[1]', 'id bigint', 1],
    ["$['odd name'].*", 'v double', 2],
    ['$["odd name"]["k1"]', 'v double', 1],
    ['$.meta', 'n bigint', 1],
  ])('finds the rows at %s', async (path, columns, rows) => {
    expect(await rowsOf(DOCUMENT, path)).toEqual([columns, rows, { layout: 'path', path }]);
  });

  it('finds them in each of several documents', async () => {
    expect(await rowsOf('{"p":{"a":1}}\n{"p":{"a":2}}\n{"q":1}\n', '$.p')).toEqual([
      'a bigint',
      2,
      { layout: 'path', path: '$.p' },
    ]);
  });

  it('leaves objects in an array or in a row to be read as the built-in one says', async () => {
    expect(await rowsOf('[{"a":1},{"a":2}]', '$[*]')).toEqual(['a bigint', 2, { layout: 'array' }]);
    expect(await rowsOf('{"a":1}\n{"a":2}\n', '$')).toEqual(['a bigint', 2, { layout: 'lines' }]);
    expect((await classify('{"a":1}', '$'))?.confidence).toBe(1);
  });

  it('knows nothing of what has no rows there, or something else than objects, or is no JSON', async () => {
    for (const [content, path] of [
      [DOCUMENT, '$.nothing[*]'],
      ['{"a":[1,2]}', '$.a[*]'],
      ['{"a":', '$.a'],
      ['a,b\n1,2\n', '$.a'],
      ['\0', '$.a'],
    ] as const)
      expect(await classify(content, path)).toBeUndefined();
  });

  it('looks on as far as one record may be, and no further', async () => {
    const limits = { ...CLASSIFY_LIMITS, sampleBytes: 100, recordBytes: 5_000 };
    const late = (bytes: number): string =>
      `{"pad":"${'x'.repeat(bytes)}","rows":[{"id":1},{"id":2}],"more":"${'y'.repeat(9_000)}"}`;
    expect((await classify(late(4_000), '$.rows[*]', limits))?.columns).toHaveLength(1);
    expect(await classify(late(6_000), '$.rows[*]', limits)).toBeUndefined();
  });

  it.each(['rows', '$.', '$[', '$..a', '$[?(@.x)]', '$a', "$['a"])('refuses the path %s', (path) => {
    expect(() => customClassifier({ name: 'x', kind: 'json', options: { path } })).toThrow(/is no path/);
  });
});

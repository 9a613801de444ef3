import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS } from '../../../src/crawl/classifier.ts';
import { customClassifier } from '../../../src/crawl/custom-kinds.ts';
import { formatType } from '../../../src/model/types.ts';
import { sourceOf } from '../bytes.ts';

const classify = (content: string, options: Record<string, unknown>) =>
  customClassifier({ name: 'mine', kind: 'csv', options }).classify(sourceOf('x.txt', content), CLASSIFY_LIMITS);

async function columnsOf(content: string, options: Record<string, unknown>): Promise<string[] | undefined> {
  return (await classify(content, options))?.columns.map(({ name, type }) => `${name} ${formatType(type)}`);
}

describe('a csv classifier', () => {
  const TEXTS = 'a,b\nc,d\ne,f\n';

  it.each([
    [{ header: 'PRESENT' }, ['a string', 'b string'], 2],
    [{ header: 'ABSENT' }, ['col0 string', 'col1 string'], 3],
    [{ header: 'UNKNOWN' }, ['col0 string', 'col1 string'], 3],
    [{ header: 'ABSENT', names: ['x', 'y'] }, ['x string', 'y string'], 3],
  ])('takes the first record for what %j says', async (options, columns, rows) => {
    expect(await columnsOf(TEXTS, options)).toEqual(columns);
    expect((await classify(TEXTS, options))?.rows).toBe(BigInt(rows));
  });

  it('gives columns the names that are said, and lets readers pass over the header', async () => {
    const found = await classify('\nid,"two\nlines"\n1,2.5\n', { header: 'PRESENT', names: ['x', 'y'] });
    expect(found?.format.options).toMatchObject({ header: false, skip: 3 });
    expect(found?.columns.map(({ name }) => name)).toEqual(['x', 'y']);
  });

  it('separates and quotes by the characters that are said', async () => {
    expect(await columnsOf("id~note\n1~'a~b'\n", { delimiter: '~', quote: "'", header: 'PRESENT' })).toEqual([
      'id bigint',
      'note string',
    ]);
    expect(await columnsOf('1;2\n3;4\n', { delimiter: ',' })).toBeUndefined();
  });

  it('knows strings alone for OpenCSVSerDe, and says so', async () => {
    const found = await classify('id,at\n1,2026-01-01\n', { serde: 'OpenCSVSerDe', header: 'PRESENT' });
    expect(found?.columns.map(({ type }) => type.kind)).toEqual(['string', 'string']);
    expect(found?.format.options).toMatchObject({ serde: 'OpenCSVSerDe' });
  });

  it('gives columns the types that are said, in their order', async () => {
    const options = { header: 'PRESENT', datatypes: ['short', 'DECIMAL', 'string'] };
    expect(await columnsOf('a,b,c\n1,2.5,3\n', options)).toEqual(['a smallint', 'b decimal(38,10)', 'c string']);
    expect(await columnsOf('a,b\n1,2.5\n', options)).toBeUndefined();
  });

  it('needs two columns unless one is allowed', async () => {
    expect(await columnsOf('a\n1\n2\n', { header: 'PRESENT' })).toBeUndefined();
    expect(await columnsOf('a\n1\n2\n', { header: 'PRESENT', allowSingleColumn: true })).toEqual(['a bigint']);
  });

  it('takes spaces around a value for a part of it only when they are not trimmed', async () => {
    expect(await columnsOf('a,b\n 1 ,2\n', { header: 'PRESENT' })).toEqual(['a bigint', 'b bigint']);
    expect(await columnsOf('a,b\n 1 ,2\n', { header: 'PRESENT', disableValueTrimming: true })).toEqual(['a string', 'b bigint']);
  });

  it('leaves to others what does not fit in every record', async () => {
    for (const content of ['a,b\n1\n', 'a,b\n1,2,3\n', 'a,b\n', '\0\0', 'a,b\n"1,2\n'])
      expect(await columnsOf(content, { header: 'PRESENT' })).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS } from '../../../src/crawl/classifier.ts';
import { customClassifier } from '../../../src/crawl/custom-kinds.ts';
import { formatType } from '../../../src/model/types.ts';
import { sourceOf } from '../bytes.ts';

const XML =
  '<shop><info><id>1</id><name>x</name></info><orders><order no="1"><sum>2.5</sum></order><order no="2"><sum>3</sum></order></orders></shop>';

const classify = (content: string, rowTag: string) =>
  customClassifier({ name: 'mine', kind: 'xml', options: { rowTag } }).classify(sourceOf('x.xml', content), CLASSIFY_LIMITS);

describe('an xml classifier', () => {
  it('takes the elements that are said for rows', async () => {
    const found = await classify(XML, 'info');
    expect(found).toMatchObject({ confidence: 1, rows: 1n, format: { name: 'xml', options: { rowTag: 'info' } } });
    expect(found?.columns.map(({ name, type }) => `${name} ${formatType(type)}`)).toEqual(['id bigint', 'name string']);
  });

  it('knows nothing of what has no such element, is broken, or is no XML', async () => {
    for (const [content, tag] of [
      [XML, 'none'],
      ['<a><b>', 'c'],
      ['a,b\n', 'a'],
      ['<a><b></a>', 'b'],
    ] as const)
      expect(await classify(content, tag)).toBeUndefined();
  });

  it('refuses what is no name of an element', () => {
    expect(() => customClassifier({ name: 'x', kind: 'xml', options: { rowTag: '<a>' } })).toThrow(/name of an element/);
  });
});

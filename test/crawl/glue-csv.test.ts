import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS, type Classification } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { sourceOf } from './bytes.ts';

/** A name that says nothing: what counts is the content. */
const UNNAMED = 'part-0000';

function read(text: string, name = UNNAMED): Promise<Classification | undefined> {
  return classify(sourceOf(name, text), CLASSIFY_LIMITS);
}

async function names(text: string, name?: string): Promise<string[] | undefined> {
  return (await read(text, name))?.columns.map((column) => column.name);
}

describe('csv as Glue tells it', () => {
  it.each([[','], ['|'], ['\t'], [';'], ['\u0001']])('separates by %j', async (delimiter) => {
    const text = [
      ['id', 'name', 'day'],
      ['1', 'ann', '2024-01-01'],
      ['2', 'bob', '2024-01-02'],
    ];
    const found = await read(text.map((row) => `${row.join(delimiter)}\n`).join(''));
    expect(found?.format).toMatchObject({ name: 'csv', options: { delimiter, header: true } });
    expect(found?.columns.map(({ type }) => type.kind)).toEqual(['bigint', 'string', 'date']);
  });

  it('needs two columns and two rows of values', async () => {
    expect(await read('id,day\n1,2024-01-01\n2,2024-01-02\n')).toBeDefined();
    expect(await read('id,day\n1,2024-01-01\n')).toBeUndefined();
    expect(await read('id\n1\n2\n3\n')).toBeUndefined();
  });

  it('takes one column where somebody says so: by the name of the file, or by a classifier of their own', async () => {
    expect(await names('id\n1\n2\n3\n', 'ids.csv')).toEqual(['id']);
    const own = { name: 'ids', kind: 'csv', options: { allowSingleColumn: true } };
    const found = await classify(sourceOf(UNNAMED, 'id\n1\n2\n3\n'), CLASSIFY_LIMITS, [own]);
    expect(found?.columns.map(({ name, type }) => [name, type.kind])).toEqual([['id', 'bigint']]);
  });
});

describe('headers as Glue tells them', () => {
  it('are texts above something that is more than a text', async () => {
    expect(await names('id,name\n1,ann\n2,bob\n', 'a.csv')).toEqual(['id', 'name']);
  });

  it('are none where a cell of the first row is more than a text', async () => {
    expect(await names('1,name\n2,ann\n3,bob\n', 'a.csv')).toEqual(['col0', 'col1']);
  });

  it('are none where a cell has 150 characters, and one where the longest has 149', async () => {
    const long = (length: number): string => `id,${'n'.repeat(length)}\n1,2\n2,3\n`;
    expect(await names(long(150), 'a.csv')).toEqual(['col0', 'col1']);
    expect(await names(long(149), 'a.csv')).toEqual(['id', 'n'.repeat(149)]);
  });

  it('are none above texts alone, which do not tell', async () => {
    expect(await names('name,town\nann,rome\nbob,oslo\ncid,bern\n', 'a.csv')).toEqual(['col0', 'col1']);
  });

  it('may have an empty cell at their end', async () => {
    expect(await names('id,name,\n1,ann,x\n2,bob,y\n', 'a.csv')).toEqual(['id', 'name', 'col2']);
  });
});

describe('headers that Glue does not tell', () => {
  it('have a form that none of the texts below them has', async () => {
    expect(await names('carrier,name\n9E,Endeavor Air\nAA,American Airlines\nB6,JetBlue Airways\n', 'a.csv')).toEqual([
      'carrier',
      'name',
    ]);
  });

  it('are not taken from rows that go on as they begin', async () => {
    // The first is a row like the others: its form is theirs, it comes again, or too few rows follow.
    expect(await names('Rome,Italy\nOslo,Norway\nBern,Switzerland\nBonn,Germany\n', 'a.csv')).toEqual(['col0', 'col1']);
    expect(await names('open,A-1\nshut,B-2\nopen,C-3\nshut,D-4\n', 'a.csv')).toEqual(['col0', 'col1']);
    expect(await names('id,label\nA-1,First\nA-2,Second\n', 'a.csv')).toEqual(['col0', 'col1']);
  });

  it('lack a name in the middle, or have years for names', async () => {
    expect(await names('id,,n\n1,a,5\n2,b,6\n', 'a.csv')).toEqual(['id', 'col1', 'n']);
    expect(await names('country,2019,2020\nDE,1.5,1.6\nFR,2.5,2.6\n', 'a.csv')).toEqual(['country', '2019', '2020']);
    // Years above whole numbers may be numbers like them, and an empty cell above numbers alone is one more value that lacks.
    expect(await names('country,2019,2020\nDE,15,16\nFR,25,26\n', 'a.csv')).toEqual(['col0', 'col1', 'col2']);
    expect(await names('a,,x\nb,5,y\nc,6,z\n', 'a.csv')).toEqual(['col0', 'col1', 'col2']);
  });
});

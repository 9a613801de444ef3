import { describe, expect, it } from 'vitest';
import { fileColumns, outputSchema } from '../../src/etl/output-schema.ts';
import { formatType, parseType } from '../../src/model/types.ts';
import { columnList } from './lab.ts';

const result = (list: Record<string, string | undefined>) =>
  Object.entries(list).map(([name, type]) => ({ name, type: type === undefined ? undefined : parseType(type), engineType: 'X' }));
const table = (columns: Record<string, string>, keys: Record<string, string> = {}) => ({
  database: 'lake',
  name: 'out',
  schema: { columns: columnList(columns), partitionKeys: columnList(keys) },
});
const shown = (columns: readonly { name: string; type: ReturnType<typeof parseType> }[]) =>
  columns.map(({ name, type }) => `${name} ${formatType(type)}`);

describe('the schema of an output', () => {
  it('is the result, with the keys taken out, where there is no table yet', () => {
    const made = outputSchema(undefined, result({ id: 'bigint', DT: 'date', n: 'int' }), ['dt']);
    expect(shown(made.schema.columns)).toEqual(['id bigint', 'n int']);
    expect(shown(made.schema.partitionKeys)).toEqual(['DT date']);
    expect(made.keys).toEqual(['DT']);
    expect(shown(fileColumns(made))).toEqual(['id bigint', 'n int']);
  });

  it('keeps what the result lacks, adds what is new, writes the narrower and takes over the wider type', () => {
    const made = outputSchema(
      table({ gone: 'string', wide: 'bigint', narrow: 'int' }, { dt: 'date' }),
      result({ narrow: 'bigint', WIDE: 'int', fresh: 'date', dt: 'date' }),
      ['dt'],
    );
    expect(shown(made.schema.columns)).toEqual(['gone string', 'wide bigint', 'narrow bigint', 'fresh date']);
    expect(shown(made.written)).toEqual(['narrow bigint', 'WIDE bigint', 'fresh date', 'dt date']);
  });

  it('names everything that does not fit', () => {
    const broken = () =>
      outputSchema(table({ id: 'int' }, { dt: 'date' }), result({ id: 'string', Id: 'int', t: undefined, a: 'array<int>' }), [
        'a',
        'b',
      ]);
    for (const part of [
      '«t» is a X',
      '«Id» is there twice',
      '«b» is not a column',
      '«a» is a array<int>',
      'partitioned by (dt), not by (a, b)',
      '«id» is int in the table and string',
    ]) {
      expect(broken).toThrow(part);
    }
    expect(() => outputSchema(undefined, result({ dt: 'date' }), ['dt'])).toThrow('besides the partition keys');
  });

  it('does not retype a key', () => {
    expect(() => outputSchema(table({ id: 'int' }, { k: 'int' }), result({ id: 'int', k: 'bigint' }), ['k'])).toThrow(
      '«k» is int in the table and bigint',
    );
    expect(shown(outputSchema(table({ id: 'int' }, { k: 'bigint' }), result({ id: 'int', k: 'int' }), ['k']).written)).toEqual([
      'id int',
      'k bigint',
    ]);
  });
});

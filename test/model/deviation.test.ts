import { describe, expect, it } from 'vitest';
import { deviationOf } from '../../src/model/deviation.ts';
import type { Column } from '../../src/model/schema.ts';
import { parseType } from '../../src/model/types.ts';

const columns = (text: string): Column[] =>
  text.split(', ').map((one) => {
    const [name = '', type = ''] = one.split(' ');
    return type === 'null' ? { name, type: parseType('string'), sourceType: 'null' } : { name, type: parseType(type) };
  });

describe('what a partition has that its table has not', () => {
  const table = { columns: columns('id bigint, name string, at date'), partitionKeys: columns('dt date') };
  it.each([
    ['id bigint, name string, at date', []],
    ['name string, at date, id bigint', []],
    ['ID bigint, Name string, at date', []],
    ['id bigint, name string, at null', []],
    ['id bigint, name string, at date, dt string', []],
    ['id bigint, name string', ['removed at']],
    ['id int, name string, at date, more double', ['retyped id', 'added more']],
  ])('of %s', (own, expected) => {
    expect(deviationOf(table, columns(own)).map(({ kind, path }) => `${kind} ${path}`)).toEqual(expected);
  });
});

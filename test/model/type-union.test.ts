import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWidening, unionColumns, unionType } from '../../src/model/type-union.ts';
import { formatType, parseType, sameType, type ColumnType } from '../../src/model/types.ts';
import { columnType, flatType } from './arbitraries.ts';

describe('unionType', () => {
  const cases: [string, string, string][] = [
    ['tinyint', 'int', 'int'],
    ['int', 'bigint', 'bigint'],
    ['int', 'decimal(4,2)', 'decimal(12,2)'],
    ['bigint', 'decimal(38,0)', 'decimal(38,0)'],
    ['decimal(5,1)', 'decimal(4,3)', 'decimal(7,3)'],
    ['decimal(38,0)', 'decimal(38,10)', 'double'],
    ['smallint', 'float', 'float'],
    ['int', 'float', 'double'],
    ['bigint', 'double', 'double'],
    ['decimal(10,2)', 'double', 'double'],
    ['date', 'timestamp', 'timestamp'],
    ['timestamp', 'timestamp with local time zone', 'string'],
    ['date', 'int', 'string'],
    ['boolean', 'int', 'string'],
    ['array<int>', 'array<bigint>', 'array<bigint>'],
    ['map<string,int>', 'map<string,double>', 'map<string,double>'],
    ['struct<a:int,b:string>', 'struct<B:string,a:bigint,c:date>', 'struct<a:bigint,b:string,c:date>'],
    ['struct<a:int>', 'int', 'string'],
  ];
  for (const [a, b, union] of cases) {
    it(`of ${a} and ${b} is ${union}`, () => {
      expect(formatType(unionType(parseType(a), parseType(b)))).toBe(union);
    });
  }

  it('does not depend on the order, of two or of many', () => {
    fc.assert(
      fc.property(flatType, flatType, flatType, (a, b, c) => {
        expect(unionType(a, b)).toEqual(unionType(b, a));
        expect(unionType(unionType(a, b), c)).toEqual(unionType(a, unionType(b, c)));
      }),
      { numRuns: 10_000 },
    );
  });

  it('of a type and what it was widened to is the wider one', () => {
    fc.assert(
      fc.property(columnType, columnType, (a, b) => {
        const union = unionType(a, b);
        expect(sameType(unionType(a, a), a)).toBe(true);
        if (isExact(a) && isExact(b)) expect(isWidening(a, b)).toBe(sameType(union, b));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('isWidening', () => {
  const widening = [
    'int bigint',
    'int decimal(10,0)',
    'smallint float',
    'int double',
    'float double',
    'date timestamp',
    'decimal(9,0) int',
    'array<int> array<bigint>',
  ];
  const other = [
    'bigint int',
    'bigint double',
    'int float',
    'int string',
    'decimal(10,0) int',
    'decimal(10,2) double',
    'decimal(10,2) decimal(10,3)',
    'timestamp date',
    'string int',
  ];
  for (const text of widening) it(`is true of ${text}`, () => expect(check(text)).toBe(true));
  for (const text of other) it(`is false of ${text}`, () => expect(check(text)).toBe(false));

  it('lets a struct gain fields but not lose them', () => {
    expect(check('struct<a:int> struct<b:string,a:bigint>')).toBe(true);
    expect(check('struct<a:int,b:int> struct<a:int>')).toBe(false);
  });

  function check(text: string): boolean {
    const [from = '', to = ''] = text.split(' ');
    return isWidening(parseType(from), parseType(to));
  }
});

describe('unionColumns', () => {
  it('keeps the order of first appearance and sees names whatever their case', () => {
    const lists = ['id int, price int', 'Price double, note string', 'ID bigint'].map((text) =>
      text.split(', ').map((each) => ({ name: each.split(' ')[0] ?? '', type: parseType(each.split(' ')[1] ?? '') })),
    );
    expect(unionColumns(lists).map(({ name, type }) => `${name} ${formatType(type)}`)).toEqual([
      'id bigint',
      'price double',
      'note string',
    ]);
  });

  it('allows null unless all forbid it, and keeps the source’s type where all agree', () => {
    const never = { name: 'a', type: parseType('int'), nullable: false, sourceType: 'int4' };
    expect(unionColumns([[never], [never]])).toEqual([never]);
    expect(unionColumns([[never], [{ name: 'a', type: parseType('int'), comment: 'x' }]])).toEqual([
      { name: 'a', type: parseType('int'), comment: 'x' },
    ]);
  });
});

/** Types on which the union is the least type that takes both without loss. */
function isExact(type: ColumnType): boolean {
  return ['tinyint', 'smallint', 'int', 'bigint', 'date', 'timestamp', 'boolean', 'binary'].includes(type.kind);
}

import { describe, expect, it } from 'vitest';
import { breaksReader, compatibility } from '../../src/model/compatibility.ts';
import { diffSchemas } from '../../src/model/schema-diff.ts';
import type { Column, Schema } from '../../src/model/schema.ts';
import { parseType } from '../../src/model/types.ts';

const base = [column('id', 'bigint'), column('price', 'int'), column('address', 'struct<street:string,zip:int>')];

describe('compatibility', () => {
  const verdicts: [string, Column[], string][] = [
    ['nothing changed', base, 'FULL'],
    ['a nullable column came', [...base, column('note', 'string')], 'FULL'],
    ['a column that is never null came', [...base, { ...column('note', 'string'), nullable: false }], 'FORWARD'],
    ['a column went', base.slice(1), 'BACKWARD'],
    ['a type widened', change('price', 'bigint'), 'BACKWARD'],
    ['a type narrowed', change('price', 'smallint'), 'FORWARD'],
    ['a type became another', change('price', 'string'), 'NONE'],
    ['a nested field went', change('address', 'struct<street:string>'), 'BACKWARD'],
    ['one came and one went', [...base.slice(1), column('note', 'string')], 'BACKWARD'],
    ['one widened and another narrowed', [column('id', 'int'), column('price', 'bigint'), ...base.slice(2)], 'NONE'],
    ['the order changed', base.toReversed(), 'FULL'],
    ['the case of a name changed', [column('ID', 'bigint'), ...base.slice(1)], 'FULL'],
    ['nulls became impossible', base.map((each) => ({ ...each, nullable: false })), 'FORWARD'],
  ];
  for (const [when, columns, verdict] of verdicts) {
    it(`is ${verdict} when ${when}`, () => {
      expect(compatibility(diffSchemas(schema(base), schema(columns)))).toBe(verdict);
    });
  }

  it('turns round with the diff', () => {
    const wider = schema(change('price', 'bigint'));
    expect(compatibility(diffSchemas(wider, schema(base)))).toBe('FORWARD');
  });
});

describe('breaksReader', () => {
  it('reports a removed column only to who reads it', () => {
    const changes = diffSchemas(schema(base), schema(base.slice(0, 2)));
    expect(breaksReader(changes, new Set(['address'])).map(({ path }) => path)).toEqual(['address']);
    expect(breaksReader(changes, new Set(['id', 'price']))).toEqual([]);
  });

  it('reports a removed field to who reads the column around it', () => {
    const changes = diffSchemas(schema(base), schema(change('address', 'struct<zip:int>')));
    expect(breaksReader(changes, new Set(['Address'])).map(({ path }) => path)).toEqual(['address.street']);
  });

  it('lets widening pass and stops every other retyping', () => {
    expect(breaks('price', 'bigint')).toEqual([]);
    expect(breaks('price', 'decimal(12,2)')).toEqual([]);
    expect(breaks('price', 'double')).toEqual([]);
    expect(breaks('price', 'float')).toEqual(['price']);
    expect(breaks('price', 'string')).toEqual(['price']);
    expect(breaks('price', 'smallint')).toEqual(['price']);
    expect(breaks('price', 'decimal(11,2)')).toEqual(['price']);
  });

  it('is not troubled by a column whose name begins with the one that is read', () => {
    const a = schema([column('address', 'string'), column('address_line', 'string')]);
    const changes = diffSchemas(a, schema([column('address', 'string')]));
    expect(breaksReader(changes, new Set(['address']))).toEqual([]);
  });

  it('sees a column that became a partition key, or changed its case, as still there', () => {
    const moved: Schema = { columns: base.slice(1), partitionKeys: base.slice(0, 1) };
    expect(breaksReader(diffSchemas(schema(base), moved), new Set(['id']))).toEqual([]);
    const stringKey: Schema = { columns: base.slice(1), partitionKeys: [column('id', 'string')] };
    expect(breaksReader(diffSchemas(schema(base), stringKey), new Set(['id']))).toEqual([
      { kind: 'retyped', path: 'id', before: 'bigint', after: 'string' },
    ]);
    const respelled = schema([column('ID', 'bigint'), ...base.slice(1)]);
    expect(breaksReader(diffSchemas(schema(base), respelled), new Set(['id']))).toEqual([]);
  });

  function breaks(name: string, type: string): string[] {
    return breaksReader(diffSchemas(schema(base), schema(change(name, type))), new Set([name])).map(({ path }) => path);
  }
});

function column(name: string, type: string): Column {
  return { name, type: parseType(type) };
}

function schema(columns: readonly Column[]): Schema {
  return { columns, partitionKeys: [] };
}

function change(name: string, type: string): Column[] {
  return base.map((each) => (each.name === name ? column(name, type) : each));
}

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatType, parseType } from '../../src/model/types.ts';
import { schemaHash } from '../../src/model/schema.ts';
import { schemaFromJson, schemaToJson } from '../../src/model/schema-text.ts';
import { columnType, schema } from './arbitraries.ts';

describe('parseType', () => {
  it('reads what formatType writes', () => {
    fc.assert(
      fc.property(columnType, (type) => {
        expect(parseType(formatType(type))).toEqual(type);
      }),
      { numRuns: 5_000 },
    );
  });

  it('refuses nonsense, however deep, with BAD_INPUT', () => {
    for (const text of [
      '',
      'int int',
      'array<int',
      'map<int>',
      'struct<a>',
      'decimal(39,0)',
      'decimal(1,2)',
      'list<int>',
      'array<'.repeat(100_000),
      'struct<`a:int>',
    ]) {
      expect(() => parseType(text), text.slice(0, 30)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    }
  });
});

describe('schemaFromJson', () => {
  it('reads what schemaToJson writes, to the same hash', () => {
    fc.assert(
      fc.property(schema, (each) => {
        const back = schemaFromJson(JSON.parse(JSON.stringify(schemaToJson(each))));
        expect(back).toEqual(each);
        expect(schemaHash(back)).toBe(schemaHash(each));
      }),
    );
  });

  it('names the place of a mistake', () => {
    const column = { name: 'a', type: 'int' };
    const wrong: [unknown, string][] = [
      [null, 'schema'],
      [[], 'schema'],
      [{ columns: [column] }, 'partitionKeys'],
      [{ columns: [column, 5], partitionKeys: [] }, 'columns[1]'],
      [{ columns: [{ ...column, name: '' }], partitionKeys: [] }, 'columns[0].name'],
      [{ columns: [], partitionKeys: [{ ...column, nullable: 'no' }] }, 'partitionKeys[0].nullable'],
    ];
    for (const [json, at] of wrong) expect(() => schemaFromJson(json), at).toThrow(expect.objectContaining({ details: { at } }));
  });
});

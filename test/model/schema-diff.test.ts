import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDiff } from '../../src/model/schema-apply.ts';
import { diffSchemas, invertDiff } from '../../src/model/schema-diff.ts';
import { schemaHash, type Column, type Schema } from '../../src/model/schema.ts';
import { parseType } from '../../src/model/types.ts';
import { schema, schemaPair } from './arbitraries.ts';

const RUNS = { numRuns: 10_000 };

describe('diffSchemas, for any two schemas', () => {
  it('leads from the one to the other, exactly', () => {
    fc.assert(
      fc.property(schemaPair, ([a, b]) => {
        expect(schemaHash(applyDiff(a, diffSchemas(a, b)))).toBe(schemaHash(b));
      }),
      RUNS,
    );
  });

  it('is inverted by swapping the sides', () => {
    fc.assert(
      fc.property(schemaPair, ([a, b]) => {
        const changes = diffSchemas(a, b);
        expect(diffSchemas(b, a)).toEqual(invertDiff(changes));
        expect(invertDiff(invertDiff(changes))).toEqual(changes);
      }),
      RUNS,
    );
  });

  it('is empty exactly when the hashes are equal', () => {
    fc.assert(
      fc.property(schemaPair, ([a, b]) => {
        expect(diffSchemas(a, a)).toEqual([]);
        expect(diffSchemas(a, b).length === 0).toBe(schemaHash(a) === schemaHash(b));
      }),
      RUNS,
    );
  });

  it('survives a round trip as JSON', () => {
    fc.assert(
      fc.property(schema, schema, (a, b) => {
        const changes = diffSchemas(a, b);
        expect(JSON.parse(JSON.stringify(changes))).toEqual(changes);
      }),
    );
  });
});

describe('diffSchemas', () => {
  it('names what was added, removed and retyped', () => {
    const a = table('id bigint', 'amount int', 'email string');
    const b = table('id bigint', 'amount decimal(12,2)', 'discount double');
    expect(diffSchemas(a, b)).toEqual([
      { kind: 'retyped', path: 'amount', before: 'int', after: 'decimal(12,2)' },
      { kind: 'added', path: 'discount', after: 'double', ordinal: 3 },
      { kind: 'removed', path: 'email', before: 'string', ordinal: 3 },
    ]);
  });

  it('goes into structs, arrays and maps', () => {
    const a = table('address struct<street:string,zip:int>', 'items array<struct<price:int>>', 'tags map<string,int>');
    const b = table(
      'address struct<street:string,zip:string,city:string>',
      'items array<struct<price:bigint>>',
      'tags map<string,double>',
    );
    expect(diffSchemas(a, b)).toEqual([
      { kind: 'retyped', path: 'address.zip', before: 'int', after: 'string' },
      { kind: 'added', path: 'address.city', after: 'string', ordinal: 3 },
      { kind: 'retyped', path: 'items[].price', before: 'int', after: 'bigint' },
      { kind: 'retyped', path: 'tags{value}', before: 'int', after: 'double' },
    ]);
  });

  it('keeps a column apart from one whose name it begins', () => {
    const a = table('address struct<line:string>', 'address_line string');
    const b = table('address struct<line:int>', 'address_line string');
    expect(diffSchemas(a, b)).toEqual([{ kind: 'retyped', path: 'address.line', before: 'string', after: 'int' }]);
    const c = table('address_line string');
    expect(diffSchemas(a, c)).toEqual([{ kind: 'removed', path: 'address', before: 'struct<line:string>', ordinal: 1 }]);
    expect(applyDiff(a, diffSchemas(a, c))).toEqual(c);
  });

  it('keeps a column named like a path apart from the path', () => {
    const a = table('address struct<line:string>');
    const b: Schema = { ...a, columns: [...a.columns, { name: 'address.line', type: parseType('int') }] };
    expect(diffSchemas(a, b)).toEqual([{ kind: 'added', path: '"address.line"', after: 'int', ordinal: 2 }]);
    expect(applyDiff(a, diffSchemas(a, b))).toEqual(b);
  });

  it('calls one column moved when one column moved', () => {
    const a = table('a int', 'b int', 'c int', 'd int', 'e int');
    const b = table('e int', 'a int', 'b int', 'c int', 'd int');
    expect(diffSchemas(a, b)).toEqual([{ kind: 'moved', path: 'e', before: 5, after: 1 }]);
  });

  it('does not call a column moved because another one came before it', () => {
    const changes = diffSchemas(table('a int', 'b int'), table('new int', 'a int', 'b int'));
    expect(changes.map(({ kind }) => kind)).toEqual(['added']);
  });

  it('tells a change of nullability, of the source’s type and of the comment', () => {
    const a = { columns: [{ name: 'a', type: parseType('int'), nullable: false, sourceType: 'int4' }], partitionKeys: [] };
    const b = { columns: [{ name: 'a', type: parseType('int'), sourceType: 'integer', comment: 'key' }], partitionKeys: [] };
    expect(diffSchemas(a, b)).toEqual([
      { kind: 'nullability', path: 'a', before: false, after: true },
      { kind: 'sourceType', path: 'a', before: 'int4', after: 'integer' },
      { kind: 'comment', path: 'a', after: 'key' },
    ]);
  });

  it('tells partition keys from columns', () => {
    const a = table('a int', 'dt string');
    const b: Schema = { columns: a.columns.slice(0, 1), partitionKeys: a.columns.slice(1) };
    expect(diffSchemas(a, b)).toEqual([
      { kind: 'removed', path: 'dt', before: 'string', ordinal: 2 },
      { kind: 'added', path: 'dt', after: 'string', ordinal: 1, partitionKey: true },
    ]);
  });

  it('compares two tables of 10,000 columns without growing quadratic', () => {
    const names = Array.from({ length: 10_000 }, (_, n) => `column_${n} int`);
    const a = table(...names);
    const b = table(...names.toReversed());
    const changes = diffSchemas(a, b);
    expect(changes).toHaveLength(9_999);
    expect(schemaHash(applyDiff(a, changes))).toBe(schemaHash(b));
  });
});

describe('applyDiff', () => {
  it('refuses changes that belong to another schema', () => {
    const changes = diffSchemas(table('a struct<b:int>'), table('a struct<b:bigint>'));
    expect(() => applyDiff(table('a int'), changes)).toThrow('does not fit');
    expect(() => applyDiff(table('x int'), changes)).toThrow('does not fit');
    expect(() => applyDiff(table('a int'), [{ kind: 'added', path: 'a', after: 'int', ordinal: 1 }])).toThrow('does not fit');
    expect(() => applyDiff(table('a int'), [{ kind: 'added', path: 'b', after: 'int', ordinal: 9 }])).toThrow('does not fit');
    expect(() => applyDiff(table('a int'), [{ kind: 'retyped', path: 'a..b', after: 'int' }])).toThrow('not a path');
  });
});

function table(...columns: string[]): Schema {
  return {
    columns: columns.map((text): Column => {
      const space = text.indexOf(' ');
      return { name: text.slice(0, space), type: parseType(text.slice(space + 1)) };
    }),
    partitionKeys: [],
  };
}

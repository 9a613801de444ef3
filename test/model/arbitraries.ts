import * as fc from 'fast-check';
import type { Column, Schema } from '../../src/model/schema.ts';
import { SIMPLE_KINDS, simple, type ColumnType, type StructField } from '../../src/model/types.ts';

/** Names that collide, that are prefixes of each other, and that look like paths, so that pairs of schemas overlap. */
export const columnName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', 'id', 'address', 'address_line', 'A', 'Id') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'a.b',
      'address.street',
      'items[]',
      '"',
      '"; drop table x; --',
      'a#2',
      '{key}',
      '__proto__',
      'ü',
      ' ',
    ),
  },
  { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }) },
);

const decimal = fc
  .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
  .map(([precision, scale]): ColumnType => ({ kind: 'decimal', precision, scale: Math.min(scale, precision) }));

export const flatType: fc.Arbitrary<ColumnType> = fc.oneof(fc.constantFrom(...SIMPLE_KINDS).map(simple), decimal);

export const columnType: fc.Arbitrary<ColumnType> = fc.letrec<{ type: ColumnType }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    flatType,
    tie('type').map((element): ColumnType => ({ kind: 'array', element })),
    fc.tuple(tie('type'), tie('type')).map(([key, value]): ColumnType => ({ kind: 'map', key, value })),
    fc
      .array(fc.record<StructField>({ name: columnName, type: tie('type') }), { maxLength: 4 })
      .map((fields): ColumnType => ({ kind: 'struct', fields })),
  ),
})).type;

const column: fc.Arbitrary<Column> = fc.record(
  {
    name: columnName,
    type: columnType,
    nullable: fc.boolean(),
    sourceType: fc.constantFrom('', 'varchar(40)', 'INT96'),
    comment: fc.constantFrom('', 'what it costs'),
  },
  { requiredKeys: ['name', 'type'] },
);

export const schema: fc.Arbitrary<Schema> = fc.record({
  columns: fc.array(column, { maxLength: 7 }),
  partitionKeys: fc.array(column, { maxLength: 3 }),
});

/** Two schemas of which the second is often the first with little changed: shuffled, shortened, grown. */
export const schemaPair: fc.Arbitrary<[Schema, Schema]> = fc.oneof(
  fc.tuple(schema, schema),
  fc
    .tuple(schema, schema)
    .chain(([a, extra]) =>
      fc
        .tuple(fc.shuffledSubarray([...a.columns]), fc.subarray(extra.columns.slice(0, 2)))
        .map(([columns, more]): [Schema, Schema] => [a, { ...a, columns: [...columns, ...more] }]),
    ),
);

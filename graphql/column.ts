import type { Column, Format } from '../src/model/schema.ts';
import { formatType } from '../src/model/types.ts';
import { builder } from './builder.ts';

export const ColumnRef = builder.objectRef<Column>('Column').implement({
  description: 'A column or a partition key of a table.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As the source spells it.' }),
    type: t.string({
      description: 'In Hive’s spelling: `bigint`, `decimal(10,2)`, `array<struct<a:int,b:string>>`.',
      resolve: (column) => formatType(column.type),
    }),
    nullable: t.boolean({
      description: 'False when the source says that null cannot be.',
      resolve: (column) => column.nullable ?? true,
    }),
    sourceType: t.string({
      nullable: true,
      description: 'The source’s own type text, where it says more than `type`: `varchar(40)`, `INT96`.',
      resolve: (column) => column.sourceType,
    }),
    comment: t.string({ nullable: true, description: 'What the source says about it.', resolve: (column) => column.comment }),
  }),
});

export const FormatRef = builder.objectRef<Format>('Format').implement({
  description: 'How the bytes of a table or a partition are to be read.',
  fields: (t) => ({
    name: t.exposeString('name', { description: '`csv`, `json`, `parquet` …' }),
    compression: t.string({ nullable: true, description: '`gzip` …; null for none.', resolve: (format) => format.compression }),
    options: t.field({
      type: 'JSON',
      description: 'An object whose fields belong to the format: csv has `delimiter`, `quote`, `header` …',
      resolve: (format) => format.options ?? {},
    }),
  }),
});

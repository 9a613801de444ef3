import { runSql, type SqlResult } from '../src/etl/sql.ts';
import { builder } from './builder.ts';

const SqlColumnRef = builder.objectRef<SqlResult['columns'][number]>('SqlColumn').implement({
  description: 'A column of an answer.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As the statement calls it.' }),
    type: t.exposeString('type', { description: 'In Hive’s spelling; in the engine’s own words where Hive has none.' }),
  }),
});

const SqlResultRef = builder.objectRef<SqlResult>('SqlResult').implement({
  description: 'The answer to a SELECT.',
  fields: (t) => ({
    columns: t.field({ type: [SqlColumnRef], description: 'In their order.', resolve: ({ columns }) => [...columns] }),
    rows: t.field({
      type: 'JSON',
      description:
        'A list of lists of values. Integers beyond 2^53 and decimals are texts, dates and times ISO 8601, binary is base64.',
      resolve: ({ rows }) => rows,
    }),
    truncated: t.exposeBoolean('truncated', { description: 'There were more rows than `limit`, or than an answer may hold.' }),
  }),
});

builder.queryFields((t) => ({
  sql: t.field({
    type: SqlResultRef,
    description:
      'Answers one SELECT over tables of the catalog, by their names. It runs away from this process, and can read nothing else. BAD_SQL when the engine refuses it.',
    args: {
      query: t.arg.string({
        required: true,
        description: 'In DuckDB’s dialect: `select dt, count(*) from lake.sales group by dt`.',
      }),
      limit: t.arg.int({
        defaultValue: 100,
        description: 'How many rows at most: 1 to `limits.sqlRows` of the configuration, 10,000 unless changed.',
      }),
    },
    resolve: (_, { query, limit }, { tenon, as, signal }) => runSql(tenon.jobs, as, query, { limit: limit ?? 100, signal }),
  }),
}));

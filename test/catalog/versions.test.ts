import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findTable, recordTable } from '../../src/catalog/tables.ts';
import { findSchema, findVersion, listVersions } from '../../src/catalog/versions.ts';
import { schemaHash } from '../../src/model/schema.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asCrawler, columns, emptyCatalog, itemsOf, makeSales, reader, salesDraft } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
beforeEach(() => emptyCatalog(t.ground));
afterAll(() => t.close());

const find = (name = 'sales') => findTable(t.db, reader, { database: 'lake', name });

describe('versions', () => {
  it('are listed newest first, in pages', async () => {
    const table = await makeSales(t.ground);
    for (let i = 0; i < 4; i++) {
      await asCrawler(t.ground, (w) =>
        recordTable(w, salesDraft({ schema: { ...salesDraft().schema, columns: columns(`c${i} string`) } })),
      );
    }
    const first = await listVersions(t.db, reader, table.id, { first: 3 });
    const second = await listVersions(t.db, reader, table.id, { first: 3, after: first.items.at(-1)?.cursor });
    expect([...itemsOf(first), ...itemsOf(second)].map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
    expect([first.hasNextPage, second.hasNextPage]).toEqual([true, false]);
    for (const number of [0, 6, -1, 1.5, 1e12, Number.NaN])
      expect(await findVersion(t.db, reader, table.id, number)).toBeUndefined();
  });

  it('keep nested types, source types and comments', async () => {
    const schema = {
      columns: [
        {
          name: 'a',
          type: columns('a array<struct<x:int,y:map<string,decimal(10,2)>>>')[0]?.type ?? { kind: 'string' as const },
          sourceType: 'jsonb',
          nullable: false,
        },
        { name: 'b', type: { kind: 'timestamptz' as const }, comment: 'when «it» happened' },
      ],
      partitionKeys: [],
    };
    await makeSales(t.ground, [], { schema });
    expect((await find())?.schema).toEqual(schema);
    expect(await findSchema(t.db, schemaHash(schema))).toEqual(schema);
    expect(await findSchema(t.db, 'none')).toBeUndefined();
  });
});

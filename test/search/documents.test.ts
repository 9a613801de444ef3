import { describe, expect, it } from 'vitest';
import type { Column } from '../../src/model/schema.ts';
import type { Table } from '../../src/model/table.ts';
import { parseType } from '../../src/model/types.ts';
import { databaseDocument, tableDocuments } from '../../src/search/documents.ts';

const column = (name: string, type: string, comment?: string): Column => ({
  name,
  type: parseType(type),
  ...(comment !== undefined && { comment }),
});

function tableOf(columns: readonly Column[], more: Partial<Table> = {}): Table {
  return {
    id: 't1',
    database: 'lake',
    name: 'orders',
    type: 'table',
    owner: 'api',
    parameters: {},
    version: 1,
    schema: { columns, partitionKeys: [column('dt', 'date')] },
    ...more,
  };
}

describe('tableDocuments', () => {
  it('makes one document for the table and for each column, at any depth', () => {
    const columns = [
      column('id', 'bigint', 'of the order'),
      column('address', 'struct<street:string,geo:struct<lat:double,lon:double>>'),
      column('items', 'array<struct<price:double>>'),
      column('labels', 'map<string,struct<by:string>>'),
      column('odd.name', 'int'),
      column('id', 'int'),
    ];
    const { documents, leftOut } = tableDocuments(tableOf(columns, { description: 'all of them' }), 100);
    expect(documents.map(({ name }) => name)).toEqual([
      'lake.orders',
      'lake.orders.id',
      'lake.orders.address',
      'lake.orders.items',
      'lake.orders.labels',
      'lake.orders."odd.name"',
      'lake.orders.id#2',
      'lake.orders.dt',
      'lake.orders.address.street',
      'lake.orders.address.geo',
      'lake.orders.items[].price',
      'lake.orders.labels{value}.by',
      'lake.orders.address.geo.lat',
      'lake.orders.address.geo.lon',
    ]);
    expect(leftOut).toBe(0);
    expect(new Set(documents.map(({ id }) => id)).size).toBe(documents.length);
    expect(documents[0]).toEqual({
      id: 'table:t1',
      kind: 'table',
      name: 'lake.orders',
      path: ['lake', 'orders'],
      tableId: 't1',
      description: 'all of them',
    });
    expect(documents[1]).toMatchObject({ kind: 'column', description: 'of the order' });
    expect(documents[10]?.path).toEqual(['lake', 'orders', 'items', 'price']);
    expect(documents[5]?.path).toEqual(['lake', 'orders', 'odd.name']);
  });

  it('leaves out the deepest columns of a table that has too many, and says how many', () => {
    const columns = Array.from({ length: 50 }, (_, i) => column(`c${i}`, 'struct<a:int,b:int>'));
    const { documents, leftOut } = tableDocuments(tableOf(columns), 60);
    expect(documents).toHaveLength(61);
    expect(leftOut).toBe(51 + 100 - 60);
    expect(documents.filter(({ path }) => path.length === 3)).toHaveLength(51);
  });

  it('shows no secret that somebody wrote into a description, and not more than 2,000 characters of one', () => {
    const { documents } = tableDocuments(
      tableOf([column('a', 'int', 'x'.repeat(5_000))], { description: 'from postgres://ada:hunter2@host/db' }),
      10,
    );
    expect(documents[0]?.description).toBe('from postgres://ada:***@host/db');
    expect(documents[1]?.description).toHaveLength(2_000);
  });
});

describe('databaseDocument', () => {
  it('has no description where there is none to show', () => {
    expect(databaseDocument({ id: 'd1', name: 'lake', owner: 'api', parameters: {}, description: ' ' })).toEqual({
      id: 'database:d1',
      kind: 'database',
      name: 'lake',
      path: ['lake'],
      description: undefined,
    });
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeCrawler } from 'tenon/testing';
import { expect, it } from 'vitest';
import { crawler } from './crawler.js';
import { typeOf } from './types.js';

const ORDERS = {
  description: 'What was ordered',
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'integer', description: 'Counted from 1' },
    at: { type: 'string', format: 'date-time' },
    lines: {
      type: 'array',
      items: { type: 'object', properties: { sku: { type: 'string' }, price: { type: ['number', 'null'] } } },
    },
  },
};

// All that Tenon asks of a crawler, run against a real folder.
describeCrawler('json-schema', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'schemas-'));
  const put = (name, text) => writeFile(join(folder, `${name}.schema.json`), text);
  for (const name of ['customers', 'orders', 'stock']) await put(name, JSON.stringify(ORDERS));
  return {
    crawler,
    options: { folder },
    expected: ['customers', 'orders', 'stock'],
    secrets: [],
    url: `json-schema://${folder}`,
    spoil: async () => {
      await put('orders', '{ this is no JSON');
      return { unknown: ['orders'], restore: () => put('orders', JSON.stringify(ORDERS)) };
    },
    vanish: () => rm(folder, { recursive: true }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
});

// And what is special to this one.
it('spells types as Hive does', () => {
  expect(typeOf(ORDERS.properties.lines)).toBe('array<struct<`sku`:string,`price`:double>>');
  expect(typeOf(ORDERS.properties.at)).toBe('timestamp with local time zone');
  expect(typeOf({ type: ['string', 'integer'] })).toBe('string');
  expect(typeOf({ type: 'object', additionalProperties: { type: 'boolean' } })).toBe('map<string,boolean>');
});

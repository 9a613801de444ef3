import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLab, type Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

function orders(rows: number, from = 0): string {
  const lines = Array.from({ length: rows }, (_, i) => `${from + i},${i % 2 === 0 ? '' : '1.5'},x${i},`);
  return `id,discount,note,nothing\n${lines.join('\n')}\n`;
}

describe('what a crawl tells about its samples', () => {
  it('is the rows that it saw, and how sure each type is by them', async () => {
    lab.put({ 'orders/dt=2026-01-01/a.csv': orders(10), 'orders/dt=2026-01-02/a.csv': orders(4, 10) });
    const { result } = await lab.crawl();
    expect(result.sampled).toEqual([
      {
        table: 'orders',
        files: 2,
        rows: 14,
        confidence: 0,
        unsure: [
          { column: 'nothing', type: 'string', values: 0, confidence: 0 },
          // Seven values, and the next one is a number too: eight ninths.
          { column: 'discount', type: 'double', values: 7, confidence: 0.888 },
        ],
      },
    ]);
  });

  it('is nothing where nothing was read, and changes no table', async () => {
    lab.put({ 'orders/a.csv': orders(10) });
    await lab.crawl();
    const before = await lab.changes();
    const { result } = await lab.crawl();
    expect(result.sampled).toEqual([]);
    expect(await lab.changes()).toEqual(before);
    // More values make the same types surer: that is no change of the table.
    lab.put({ 'orders/b.csv': orders(1_000, 10) });
    const more = await lab.crawl();
    expect(more.result.sampled[0]).toMatchObject({ files: 2, rows: 1_010 });
    const catalog = await lab.catalog();
    expect(JSON.stringify(catalog)).not.toContain('confidence');
  });

  it('counts the records of JSON, and texts as sure', async () => {
    lab.put({ 'people/all.json': '{"id":1,"name":"ann"}\n' });
    const { result } = await lab.crawl();
    expect(result.sampled).toEqual([
      {
        table: 'people',
        files: 1,
        rows: 1,
        confidence: 0.666,
        unsure: [{ column: 'id', type: 'bigint', values: 1, confidence: 0.666 }],
      },
    ]);
  });
});

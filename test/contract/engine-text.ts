import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, EngineSession, QueryResult } from '../../src/etl/engine.ts';
import type { Format } from '../../src/model/schema.ts';
import { parseType } from '../../src/model/types.ts';
import { CSV, JSON_LINES } from './engine.ts';

/** What text becomes under the type that a crawl has learnt from other text: exactly the value, or an error. Never less. */
export function describeTextReading({ name, open }: { name: string; open(): Engine }): void {
  describe(`text read by engine ${name}`, () => {
    let folder: string;
    let session: EngineSession;
    let files = 0;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'tenon-engine-text-'));
      session = open().open({ folder, memoryLimit: '512MB', threads: 2, timeoutMs: 60_000 });
    });
    afterAll(async () => {
      await session.close();
      rmSync(folder, { recursive: true, force: true });
    });

    function read(type: string, format: Format, text: string): Promise<QueryResult> {
      files += 1;
      const path = join(folder, `text ${files}`);
      writeFileSync(path, text);
      const columns = [
        { name: 'n', type: parseType('bigint') },
        { name: 'x', type: parseType(type) },
      ];
      const groups = [{ format, columns: ['n', 'x'], files: [{ address: `file:///text-${files}`, path, values: [] }] }];
      const input = { name: 'text', columns, keys: 0, groups };
      return session.query({
        inputs: [input],
        steps: [{ name: 'result', sql: 'select x from text' }],
        maxRows: 10,
        maxBytes: 10_000,
      });
    }

    const csv = (value: string): string => `n,x\n1,\n2,${value}\n`;
    const json = (value: string): string =>
      `{"n":1,"x":null}\n{"n":2,"x":${/^[\d.e-]+$/.test(value) && !value.includes('-0') ? value : JSON.stringify(value)}}\n`;

    it.each([
      ['bigint', '5.7'],
      ['int', '0.5'],
      ['bigint', '1e-05'],
      ['bigint', '99999999999999999999'],
      ['bigint', 'n/a'],
      ['decimal(21,2)', '1.239'],
      ['decimal(21,2)', '1.5e-05'],
      ['date', '2026-01-01 10:00:00'],
      ['timestamp', '2026-01-01 00:00:00+02:00'],
      ['timestamp', '2026-01-01T00:00:00Z'],
      ['timestamp with local time zone', 'some day'],
    ])('refuses to make a %s of %s, in CSV and in JSON', async (type, value) => {
      for (const [format, text] of [
        [CSV, csv(value)],
        [JSON_LINES, json(value)],
      ] as const) {
        await expect(read(type, format, text)).rejects.toMatchObject({
          code: 'DATA_UNREADABLE',
          message: expect.stringContaining(value.slice(0, 5)),
        });
      }
    });

    it.each([
      ['bigint', '5.0', 5],
      ['bigint', '1e3', 1000],
      ['bigint', '-7', -7],
      ['decimal(21,2)', '12345678901234567.25', '12345678901234567.25'],
      ['decimal(21,2)', '1.500', '1.50'],
      ['decimal(21,2)', '-1.5e3', '-1500.00'],
      ['date', '2026-01-01 00:00:00', '2026-01-01'],
      ['timestamp', '2026-01-01 00:00:00.123456', '2026-01-01T00:00:00.123456'],
      ['timestamp', '2026-01-01', '2026-01-01T00:00:00'],
    ])('takes for a %s what loses nothing: %s', async (type, value, wanted) => {
      expect((await read(type, CSV, csv(value))).rows).toEqual([[null], [wanted]]);
    });
  });
}

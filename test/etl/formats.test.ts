import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csvColumns } from '../../src/etl/csv-head.ts';
import type { EngineSession } from '../../src/etl/engine.ts';
import { createDuckdbEngine } from '../../src/etl/engines/duckdb.ts';
import type { Format } from '../../src/model/schema.ts';
import { formatType, parseType } from '../../src/model/types.ts';

interface Expected {
  readonly format?: Format;
  readonly columns?: readonly { name: string; type: string }[];
  readonly rows?: number;
  readonly refused?: boolean;
}

/** What the classifiers say of a file is what the engine reads it with: every fixture of theirs is a case here. */
describe('files as they were classified', () => {
  let folder: string;
  let session: EngineSession;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-formats-'));
    session = createDuckdbEngine().open({ folder, memoryLimit: '512MB', threads: 2, timeoutMs: 60_000 });
  });
  afterAll(async () => {
    await session.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const kind of ['csv', 'json', 'parquet']) {
    const fixtures = resolve('test/fixtures', kind);
    for (const name of readdirSync(fixtures).filter((each) => existsSync(join(fixtures, `${each}.expected.json`)))) {
      const expected = JSON.parse(readFileSync(join(fixtures, `${name}.expected.json`), 'utf8')) as Expected;
      const { format, columns, rows } = expected;
      if (format === undefined || columns === undefined || expected.refused === true) continue;
      it(`are read whole: ${name}`, async () => {
        const path = join(fixtures, name);
        const known = columns.map((column) => column.name);
        const found = format.name === 'csv' && statSync(path).size > 0 ? await csvColumns(path, name, format, known) : known;
        if (format.name === 'csv') expect(found).toEqual(known);
        const relation = columns.map((column) => ({ name: column.name, type: parseType(column.type) }));
        const input = {
          name: 't',
          columns: relation,
          keys: 0,
          groups: [{ format, columns: found, files: [{ address: name, path, values: [] }] }],
        };
        const result = await session.query({
          inputs: [input],
          steps: [{ name: 'r', sql: 'from t' }],
          maxRows: 100_000,
          maxBytes: 100_000_000,
        });
        const named = result.columns.map((column) => ({ name: column.name, type: column.type && formatType(column.type) }));
        expect(named).toEqual(columns.map((column) => ({ name: column.name, type: formatType(parseType(column.type)) })));
        if (rows !== undefined) expect(result.rows).toHaveLength(rows);
      });
    }
  }
});

describe('packed text', () => {
  const PACKED = resolve('test/fixtures/compressed');

  it.each(['orders.csv.gz', 'orders.csv.zst', 'flushed.csv.zst'])('shows its header: %s', async (name) => {
    const format = { name: 'csv', compression: name.endsWith('.gz') ? 'gzip' : 'zstd' };
    expect(await csvColumns(join(PACKED, name), name, format, ['id'])).toEqual(['id', 'name', 'price', 'day']);
  });
});

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { formatType } from '../../src/model/types.ts';
import { sourceOfFile } from './bytes.ts';
import { readBack } from './read-back.ts';

/** Published data as people really write it. */
const FOLDER = join(import.meta.dirname, '../../node_modules/vega-datasets/data');
const FILES = readdirSync(FOLDER).filter((name) => /\.(csv|tsv|json|parquet)$/.test(name));

describe('classify', () => {
  it.each(FILES)('tells of %s what DuckDB can read, and as it says', async (name) => {
    const found = await classify(sourceOfFile(join(FOLDER, name)), CLASSIFY_LIMITS);
    if (found === undefined) throw new Error(`${name} was not known`);
    const read = await readBack(join(FOLDER, name), found);
    expect(read.columns).toEqual(found.columns.map((column) => ({ name: column.name, type: formatType(column.type) })));
    if (found.rows !== undefined) expect(BigInt(read.rows)).toBe(found.rows);
  });
});

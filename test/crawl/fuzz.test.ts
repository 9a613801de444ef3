import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { TenonError } from '../../src/model/errors.ts';
import { sourceOf } from './bytes.ts';
import { mutate, random } from './mutate.ts';

/** Inputs for each parser. TENON_TEST_FUZZ=10000 is the full measure; the seed is the parser's, so that a run can be repeated. */
const INPUTS = Number(process.env['TENON_TEST_FUZZ'] ?? 150);
const FIXTURES = join(import.meta.dirname, '../fixtures');
/** Larger seeds make the same mutations slower, and show no more. */
const SEED_BYTES = 64 * 1024;

const PARSERS = ['avro', 'orc', 'parquet', 'json', 'xml', 'logs', 'csv', 'compressed'];
const CODES = new Set(['DATA_UNREADABLE', 'UNSUPPORTED', 'LIMIT']);

interface Figures {
  known: number;
  unknown: number;
  refused: number;
  slowestMs: number;
  wrong: string[];
}

async function run(folder: string, inputs: number): Promise<Figures> {
  const names = readdirSync(join(FIXTURES, folder)).filter((name) => !name.endsWith('.expected.json'));
  const seeds = names.map((name) => readFileSync(join(FIXTURES, folder, name))).filter(({ length }) => length <= SEED_BYTES);
  const next = random(folder.length * 7919 + (folder.codePointAt(0) ?? 0));
  const figures: Figures = { known: 0, unknown: 0, refused: 0, slowestMs: 0, wrong: [] };
  for (let i = 0; i < inputs; i += 1) {
    const bytes = mutate(seeds, next);
    // Now with a name that says what it is, now with one that says nothing.
    const path = next() < 0.5 ? (names[Math.floor(next() * names.length)] ?? 'x') : 'x';
    const start = performance.now();
    try {
      const found = await classify(sourceOf(path, bytes), { ...CLASSIFY_LIMITS, columnStats: true });
      figures[found === undefined ? 'unknown' : 'known'] += 1;
    } catch (error) {
      figures.refused += 1;
      if (!(error instanceof TenonError) || !CODES.has(error.code))
        figures.wrong.push(`${i} ${path}: ${String(error)} ${Buffer.from(bytes.subarray(0, 200)).toString('base64')}`);
    }
    figures.slowestMs = Math.max(figures.slowestMs, performance.now() - start);
  }
  return figures;
}

describe('mutated files', () => {
  it.each(PARSERS)(
    `are known, unknown or refused in our own words: ${INPUTS} of %s`,
    async (folder) => {
      const { wrong, ...figures } = await run(folder, INPUTS);
      if (process.env['TENON_TEST_FUZZ'] !== undefined) console.log(folder, INPUTS, JSON.stringify(figures));
      expect(wrong).toEqual([]);
      expect(figures.known + figures.unknown + figures.refused).toBe(INPUTS);
      // Both ways have to be walked, or the mutations are too weak or too strong.
      expect(Math.min(figures.known, figures.unknown + figures.refused)).toBeGreaterThan(0);
    },
    600_000,
  );
});

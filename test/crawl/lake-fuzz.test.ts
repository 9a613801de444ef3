import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LIMITS as CONFIGURED } from '../../src/config.ts';
import { deltaSnapshot } from '../../src/crawl/delta.ts';
import { icebergSnapshot } from '../../src/crawl/iceberg.ts';
import type { LakeRoot } from '../../src/crawl/lake-root.ts';
import { createParsers } from '../../src/crawl/parsers.ts';
import { FileList } from '../../src/crawl/file-list.ts';
import { TenonError } from '../../src/model/errors.ts';
import { mutate, random } from './mutate.ts';

/** As in fuzz.test.ts: TENON_TEST_FUZZ=10000 is the full measure. */
const INPUTS = Number(process.env['TENON_TEST_FUZZ'] ?? 150);
const FIXTURES = join(import.meta.dirname, '../fixtures/lake');
const LIMITS = { metadataBytes: 4 * 1024 * 1024, columns: 10_000, files: 10_000 };
const CODES = new Set(['DATA_UNREADABLE', 'UNSUPPORTED', 'LIMIT']);

type Files = ReadonlyMap<string, Uint8Array>;

function metadataOf(table: string): Files {
  const folder = table.startsWith('delta') ? '_delta_log' : 'metadata';
  const names = readdirSync(join(FIXTURES, table, folder)).filter((name) => !name.startsWith('_'));
  return new Map(names.map((name) => [`${folder}/${name}`, readFileSync(join(FIXTURES, table, folder, name))]));
}

function rootOf(files: Files): LakeRoot {
  const metadata = new Map(
    [...files].map(([path, bytes]) => [
      path,
      {
        kind: 'object' as const,
        path,
        location: `file:///lake/${path}`,
        size: bytes.length,
        etag: 'e',
        modified: 0,
        read: (start: number, end: number) => Promise.resolve(bytes.subarray(start, end)),
      },
    ]),
  );
  return { path: '', first: 0, metadata, data: new FileList() };
}

const parsers = createParsers(CONFIGURED);
afterAll(() => parsers.close());

describe('mutated metadata', () => {
  it.each(['delta/orders', 'delta/evolved', 'iceberg/types', 'iceberg/events', 'iceberg/added', 'iceberg/old'])(
    `are read, or refused in our own words: ${INPUTS} of %s`,
    async (table) => {
      const files = metadataOf(table);
      const seeds = [...files.values()];
      const names = [...files.keys()];
      const next = random(table.length * 7919 + (table.codePointAt(8) ?? 0));
      const figures = { read: 0, refused: 0, slowestMs: 0 };
      const wrong: string[] = [];
      for (let i = 0; i < INPUTS; i += 1) {
        const name = names[Math.floor(next() * names.length)] ?? '';
        const changed = new Map([...files, [name, mutate([files.get(name) ?? seeds[0] ?? Buffer.alloc(0)], next)]]);
        const start = performance.now();
        try {
          await (table.startsWith('delta')
            ? deltaSnapshot(rootOf(changed), LIMITS, (source) => parsers.checkpoint(source))
            : icebergSnapshot(rootOf(changed), LIMITS));
          figures.read += 1;
        } catch (error) {
          figures.refused += 1;
          if (!(error instanceof TenonError) || !CODES.has(error.code)) wrong.push(`${i} ${name}: ${String(error)}`);
        }
        figures.slowestMs = Math.max(figures.slowestMs, performance.now() - start);
      }
      if (process.env['TENON_TEST_FUZZ'] !== undefined) console.log(table, INPUTS, JSON.stringify(figures));
      expect(wrong).toEqual([]);
      expect(Math.min(figures.read, figures.refused)).toBeGreaterThan(0);
    },
    600_000,
  );
});

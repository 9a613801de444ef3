import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS, type Classification, type Classifier } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { formatType, parseType } from '../../src/model/types.ts';
import { sourceOf, sourceOfFile } from '../crawl/bytes.ts';

/** What stands beside a fixture as `<name>.expected.json`. */
interface Expected {
  readonly format?: unknown;
  readonly columns?: readonly { name: string; type: string }[];
  readonly rows?: number;
  /** The code of the error that the file must give. */
  readonly error?: string;
  /** The engine says that it does not read it, though the columns can be told. */
  readonly refused?: boolean;
  /** No classifier may know it. */
  readonly none?: boolean;
}

export interface Suite {
  readonly classifier: Classifier;
  /** Files, each with what is expected of it. A new pair is a new case. */
  readonly fixtures: string;
  /**
   * Reads a file as the engine will, with what was said about it, and gives the columns it came out with. Where the engine
   * cannot, the reason; then what is expected has to come from another program that reads the format.
   */
  readonly readBack: ReadBack | { readonly impossible: string };
}

type ReadBack = (file: string, found: Classification) => Promise<{ columns: { name: string; type: string }[]; rows: number }>;

const EXPECTED = '.expected.json';

/** Every classifier has to pass this, with fixtures of its own. */
export function describeClassifier({ classifier, fixtures, readBack }: Suite): void {
  const names = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name + EXPECTED)));

  describe(`the classifier for ${classifier.format}`, () => {
    it.each(names)('tells what %s is', async (name) => {
      const file = join(fixtures, name);
      const expected = JSON.parse(readFileSync(file + EXPECTED, 'utf8')) as Expected;
      if (expected.error !== undefined) {
        await expect(classify(sourceOfFile(file), CLASSIFY_LIMITS)).rejects.toMatchObject({ code: expected.error });
        return;
      }
      const found = await classify(sourceOfFile(file), CLASSIFY_LIMITS);
      expect(found === undefined).toBe(expected.none ?? false);
      if (found === undefined) return;
      expect(found.columns.map(({ name: column, type }) => ({ name: column, type: formatType(type) }))).toEqual(
        spelled(expected.columns),
      );
      expect(found.format).toEqual(expected.format);
      if (expected.rows !== undefined) expect(found.rows).toBe(BigInt(expected.rows));
      // What such a format is not, text for example, the engine reads as ever.
      if ('impossible' in readBack || expected.refused === true) return;
      const read = await readBack(file, found);
      expect(read.columns).toEqual(spelled(expected.columns));
      if (expected.rows !== undefined) expect(read.rows).toBe(expected.rows);
    });

    it('says nothing about an empty file', async () => {
      expect(await classify(sourceOf('empty', ''), CLASSIFY_LIMITS)).toBeUndefined();
    });

    it('never fails with anything but a clear error, whatever the bytes are', async () => {
      for (const name of names) {
        const bytes = readFileSync(join(fixtures, name));
        for (let cut = 1; cut < bytes.length; cut += Math.max(1, Math.floor(bytes.length / 40))) {
          await expectClear(classifier, name, bytes.subarray(0, cut));
          await expectClear(classifier, name, flipped(bytes, cut));
        }
      }
    });
  });
}

async function expectClear(classifier: Classifier, name: string, bytes: Uint8Array): Promise<void> {
  try {
    await classifier.classify(sourceOf(name, bytes), CLASSIFY_LIMITS);
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(DATA_UNREADABLE|UNSUPPORTED|LIMIT)$/) as unknown });
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x55;
  return copy;
}

/** Types of fixtures are written in any of Hive's spellings. */
function spelled(columns: Expected['columns']): { name: string; type: string }[] {
  return (columns ?? []).map(({ name, type }) => ({ name, type: formatType(parseType(type)) }));
}

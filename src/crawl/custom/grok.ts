import { z } from 'zod';
import type { ByteSource, Classification, ClassifyLimits } from '../classifier.ts';
import { badOptions, parseClassifierShape, type ClassifierKind } from '../classifier-kind.ts';
import { compileGrok, parseCustomPatterns, type Grok } from '../grok.ts';
import { readHead } from '../head.ts';
import { decodeText } from '../text.ts';

/** What the engine reads in its own way cannot be the name of lines of text. */
const TAKEN = ['csv', 'json', 'parquet', 'avro', 'orc', 'xml', 'delta', 'iceberg'];

const lines = z.preprocess((raw) => (Array.isArray(raw) ? raw.join('\n') : raw), z.string().max(16_384));

const SHAPE = z.strictObject({
  /** What a line is: `%{IP:client} %{WORD:verb} %{INT:bytes:long}`. */
  pattern: z.string().min(1).max(8_192),
  /** Patterns of one's own, one a line: `NAME what it is`. */
  customPatterns: lines.default(''),
  /** The name of the format, as the catalog shows it. */
  classification: z
    .string()
    .regex(/^[A-Za-z][\w.-]{0,63}$/, 'must be letters, digits, _ . -')
    .default('grok'),
});

type GrokOptions = z.output<typeof SHAPE>;

/** Lines that a grok pattern describes. A file is surely of them when every line matches, else as surely as their share. */
export const grokKind: ClassifierKind<GrokOptions> = {
  kind: 'grok',
  parse(raw) {
    const options = parseClassifierShape(SHAPE, raw);
    if (TAKEN.includes(options.classification.toLowerCase()))
      throw badOptions([`classification: ${options.classification} is a format of another kind`]);
    return options;
  },
  classifier(_name, options) {
    const grok = compileGrok(options.pattern, parseCustomPatterns(options.customPatterns));
    return { format: options.classification, classify: (source, limits) => classify(source, limits, options, grok) };
  },
};

/** A line of more characters is no line of a log. */
const LINE_CHARS = 16_384;
/** A step takes some 40 ns. So many are taken at most, so that no pattern takes longer than two seconds: the lines up to there decide. */
const STEPS = 20_000_000;
/** Of lines that match; a file with fewer is something else. */
const LEAST_SHARE = 0.5;

async function classify(
  source: ByteSource,
  limits: ClassifyLimits,
  options: GrokOptions,
  grok: Grok,
): Promise<Classification | undefined> {
  const head = await readHead(source, limits.sampleBytes, limits);
  const text = decodeText(head);
  if (text === undefined) return undefined;
  const all = text.text.split(/\r?\n/).filter((line) => line.trim() !== '');
  // The last one may be cut.
  if (!head.whole && !text.text.endsWith('\n')) all.pop();
  const seen = affordable(all.slice(0, limits.sampleRecords), grok.size);
  const matching = seen.filter((line) => line.length <= LINE_CHARS && grok.matches(line)).length;
  if (matching === 0 || matching < LEAST_SHARE * seen.length) return undefined;
  const isAll = head.whole && seen.length === all.length;
  return {
    format: {
      name: options.classification,
      ...(head.compression !== undefined && { compression: head.compression }),
      options: {
        grok: options.pattern,
        ...(options.customPatterns !== '' && { customPatterns: options.customPatterns }),
        ...(text.encoding !== 'utf-8' && { encoding: text.encoding }),
      },
    },
    columns: grok.columns,
    confidence: matching / seen.length,
    ...(isAll && matching === seen.length && { rows: BigInt(seen.length) }),
  };
}

function affordable(lines: readonly string[], size: number): readonly string[] {
  let left = STEPS / size;
  const end = lines.findIndex((line) => {
    left -= Math.min(line.length, LINE_CHARS);
    return left < 0;
  });
  return end < 0 ? lines : lines.slice(0, end);
}

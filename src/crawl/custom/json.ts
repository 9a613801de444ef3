import { z } from 'zod';
import { foldName } from '../../model/names.ts';
import type { Column } from '../../model/schema.ts';
import { BLANK } from '../blank.ts';
import type { ByteSource, Classification, ClassifyLimits } from '../classifier.ts';
import { parseClassifierShape, type ClassifierKind } from '../classifier-kind.ts';
import { jsonClassifier } from '../classifiers/json.ts';
import { readHead, type Head } from '../head.ts';
import { hasValues, nodeGuess, nodeType, observeNode, type NodeGuess } from '../infer-json.ts';
import { parseJsonPath, walkJsonPath } from '../json-path.ts';
import { JsonFault, JsonReader } from '../json-reader.ts';
import { decodeText } from '../text.ts';

const SHAPE = z.strictObject({
  /** Which values of a document are rows. */
  path: z.string().min(1).max(1_024).default('$'),
});

type JsonOptions = z.output<typeof SHAPE>;

/** JSON in which somebody says where the rows are. */
export const jsonKind: ClassifierKind<JsonOptions> = {
  kind: 'json',
  parse(raw) {
    const options = parseClassifierShape(SHAPE, raw);
    parseJsonPath(options.path);
    return options;
  },
  classifier: (_name, { path }) => ({ format: 'json', classify: (source, limits) => classify(source, limits, path) }),
};

async function classify(source: ByteSource, limits: ClassifyLimits, path: string): Promise<Classification | undefined> {
  const steps = parseJsonPath(path);
  // Objects in a row, or in one array: the built-in classifier knows how a reader has to read them.
  if (steps.length === 0 || (steps.length === 1 && steps[0] === 'all' && (await begins(source, limits, '[')))) {
    const found = await jsonClassifier.classify(source, limits);
    return found && { ...found, confidence: 1 };
  }
  for (let size = limits.sampleBytes; ; size = Math.min(size * 4, limits.recordBytes)) {
    const head = await readHead(source, size, limits);
    const text = decodeText(head);
    if (text === undefined) return undefined;
    const sample = readRows(text.text, steps, head, limits);
    if (sample === undefined) return undefined;
    if (sample.rows > 0) return describe(sample, head, path, limits);
    if (head.whole || size >= limits.recordBytes) return undefined;
  }
}

async function begins(source: ByteSource, limits: ClassifyLimits, sign: string): Promise<boolean> {
  const text = decodeText(await readHead(source, limits.sampleBytes, limits));
  return text?.text.trimStart().startsWith(sign) === true;
}

interface Sample {
  readonly rows: number;
  readonly fields: NodeGuess;
  readonly complete: boolean;
}

/** Undefined for what is no JSON, or has something else than an object where a row should be. */
function readRows(text: string, steps: ReturnType<typeof parseJsonPath>, head: Head, limits: ClassifyLimits): Sample | undefined {
  const reader = new JsonReader(text, limits.jsonDepth);
  const fields = nodeGuess();
  let rows = 0;
  let odd = false;
  const take = (node: Parameters<typeof observeNode>[1]): boolean => {
    odd ||= node.kind !== 'object' && node.kind !== 'null';
    if (node.kind === 'object') {
      observeNode(fields, node);
      rows += 1;
    }
    return !odd && rows < limits.sampleRecords;
  };
  try {
    while (reader.peek() !== undefined) {
      if (!walkJsonPath(reader, steps, take)) return odd ? undefined : { rows, fields, complete: false };
    }
    return { rows, fields, complete: head.whole };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return error.cut && !head.whole ? { rows, fields, complete: false } : undefined;
  }
}

function describe(
  { rows, fields, complete }: Sample,
  head: Head,
  path: string,
  limits: ClassifyLimits,
): Classification | undefined {
  const columns = new Map<string, Column>();
  for (const [name, guess] of fields.fields ?? new Map<string, NodeGuess>()) {
    if (name === '' || columns.has(foldName(name))) continue;
    columns.set(foldName(name), { name, type: nodeType(guess), ...(!hasValues(guess) && { sourceType: BLANK }) });
  }
  if (columns.size === 0 || columns.size > limits.columns) return undefined;
  return {
    format: {
      name: 'json',
      ...(head.compression !== undefined && { compression: head.compression }),
      options: { layout: 'path', path },
    },
    columns: [...columns.values()],
    confidence: 1,
    ...(complete && { rows: BigInt(rows) }),
  };
}

import { TenonError } from '../../model/errors.ts';
import { foldName } from '../../model/names.ts';
import type { Column, Format } from '../../model/schema.ts';
import { BLANK } from '../blank.ts';
import type { ByteSource, Classification, Classifier, ClassifyLimits, Reading } from '../classifier.ts';
import { plainPath, readHead, type Head } from '../head.ts';
import { hasValues, nodeGuess, nodeType, observeNode, type NodeGuess } from '../infer-json.ts';
import { JsonFault, JsonReader } from '../json-reader.ts';
import { decodeText, type Text } from '../text.ts';

/**
 * Objects as JSON. Its option `layout` says how they follow one another: `lines` (one on each line), `array` (one array
 * holds them) or `concatenated` (one after another, over any number of lines). `encoding` is there only if it is not UTF-8; the
 * engine refuses it. Behind a byte order mark lines count as concatenated: readers of lines stumble over it.
 */
export const jsonClassifier: Classifier = { format: 'json', classify };

const EXTENSION = /\.(json|ndjson|jsonl|geojson)$/i;

type Layout = 'lines' | 'array' | 'concatenated';

async function classify(source: ByteSource, limits: ClassifyLimits): Promise<Classification | undefined> {
  const named = EXTENSION.test(plainPath(source.path));
  // Glue's way: a megabyte, and one more for as long as not a single record fits, up to ten.
  for (let size = limits.sampleBytes; ; size += limits.sampleBytes) {
    const head = await readHead(source, size, limits);
    const text = jsonText(source, head, named);
    if (text === undefined) return undefined;
    const sample = readSample(source, text.text, { head, named, limits });
    if (sample === undefined) return undefined;
    if (sample.records > 0) return describe(source, text, sample, { head, named, limits });
    if (head.whole) return undefined;
    if (size >= limits.recordBytes) throw unreadable(source, `has a first record of more than ${limits.recordBytes} bytes`);
  }
}

/** Undefined for what does not begin as JSON does. */
function jsonText(source: ByteSource, head: Head, named: boolean): Text | undefined {
  const decoded = decodeText(head);
  if (decoded === undefined) {
    if (named) throw unreadable(source, 'is named like JSON, but holds binary data');
    return undefined;
  }
  const start = decoded.text.trimStart()[0];
  return start === '{' || start === '[' ? decoded : undefined;
}

interface Sample {
  readonly layout: Layout;
  readonly records: number;
  readonly fields: NodeGuess;
  /** All records were read. */
  readonly complete: boolean;
}

interface About {
  readonly head: Head;
  readonly named: boolean;
  readonly limits: ClassifyLimits;
}

/** Undefined when it is no JSON, or no table in it. */
function readSample(source: ByteSource, text: string, about: About): Sample | undefined {
  const reader = new JsonReader(text, about.limits.jsonDepth);
  const array = reader.skip('[');
  const fields = nodeGuess();
  let records = 0;
  try {
    let aligned = true;
    while (records < about.limits.sampleRecords) {
      const start = reader.peek();
      if (start === undefined || start === ']') break;
      if (start !== '{') return notObjects(source, about, records);
      const from = reader.at;
      const record = reader.value();
      if (array && reader.peek() === undefined && !about.head.whole) break;
      aligned &&= onOwnLine(text, from, reader.at);
      observeNode(fields, record);
      records += 1;
      if (array && !reader.skip(',')) break;
    }
    const complete = about.head.whole && isAtEnd(source, reader, array, records < about.limits.sampleRecords);
    return { layout: array ? 'array' : aligned ? 'lines' : 'concatenated', records, fields, complete };
  } catch (fault) {
    return sampleOfFault(source, fault, { text, array, records, fields }, about);
  }
}

/** One line for each record: nothing but spaces before and after it on its line, and no line end inside. */
function onOwnLine(text: string, from: number, to: number): boolean {
  const end = text.indexOf('\n', from);
  const lineEnd = end < 0 ? text.length : end;
  const before = text.slice(text.lastIndexOf('\n', from) + 1, from);
  return lineEnd >= to && text.slice(to, lineEnd).trim() === '' && before.trim() === '';
}

function isAtEnd(source: ByteSource, reader: JsonReader, array: boolean, all: boolean): boolean {
  if (!all) return false;
  if (array && !reader.skip(']')) throw unreadable(source, 'has an array that is not closed');
  if (reader.peek() === undefined) return true;
  throw unreadable(source, 'goes on after its end');
}

function notObjects(source: ByteSource, { named }: About, records: number): undefined {
  if (records > 0 && named) throw unreadable(source, `has something else than an object as record ${records + 1}`);
  return undefined;
}

interface Broken {
  readonly text: string;
  readonly array: boolean;
  readonly records: number;
  readonly fields: NodeGuess;
}

function sampleOfFault(source: ByteSource, fault: unknown, broken: Broken, about: About): Sample | undefined {
  if (!(fault instanceof JsonFault)) throw fault;
  const cut = fault.cut && !about.head.whole;
  if (!cut && !about.named && broken.records === 0) return undefined;
  if (!cut) throw unreadable(source, `${fault.message} on line ${lineAt(broken.text, fault.at)}`);
  const layout: Layout = broken.array ? 'array' : broken.records > 0 && !isConcatenated(broken.text) ? 'lines' : 'concatenated';
  return { layout, records: broken.records, fields: broken.fields, complete: false };
}

function isConcatenated(text: string): boolean {
  const line = text.trimStart().split('\n', 1)[0]?.trimEnd() ?? '';
  return !line.endsWith('}') || !isObject(line);
}

function isObject(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

function describe(source: ByteSource, text: Text, sample: Sample, about: About): Classification {
  const { head, named, limits } = about;
  const { columns, values, notes } = topColumns(source, sample.fields.fields ?? new Map<string, NodeGuess>());
  if (columns.length > limits.columns) {
    throw new TenonError('LIMIT', `${source.path} has ${columns.length} columns; ${limits.columns} are the limit (columns).`, {
      path: source.path,
      limit: 'columns',
    });
  }
  const sampled = { rows: sample.records, values };
  const reading: Reading = { columns, sampled, ...(sample.complete && { rows: BigInt(sample.records) }) };
  const compression = head.compression !== undefined && { compression: head.compression };
  const options: JsonOptions = {
    layout: text.mark && sample.layout === 'lines' ? 'concatenated' : sample.layout,
    ...(text.encoding !== 'utf-8' && { encoding: text.encoding }),
  };
  return {
    format: { name: 'json', ...compression, options: { ...options } },
    ...reading,
    confidence: named ? 0.95 : 0.9,
    ...(notes.length > 0 && { notes }),
    as: (format) => (readsAs(options, head, format) ? reading : undefined),
  };
}

interface JsonOptions {
  readonly layout: Layout;
  readonly encoding?: string;
}

/** Whoever reads objects one after another reads lines of them too. */
function readsAs({ layout, encoding }: JsonOptions, head: Head, format: Format): boolean {
  if (format.name !== 'json' || format.compression !== head.compression || format.options?.['encoding'] !== encoding)
    return false;
  const wanted = format.options?.['layout'];
  return wanted === layout || (wanted === 'concatenated' && layout === 'lines');
}

interface TopColumns {
  readonly columns: Column[];
  /** Seen of each. */
  readonly values: number[];
  readonly notes: string[];
}

/** Columns are found whatever their case, and none without a name: what a reader could not tell apart is left out, and said. */
function topColumns(source: ByteSource, fields: ReadonlyMap<string, NodeGuess>): TopColumns {
  const columns = new Map<string, Column>();
  const values: number[] = [];
  const notes: string[] = [];
  for (const [name, guess] of fields) {
    if (name === '') notes.push(`${source.path} has a field without a name, which is left out.`);
    else if (columns.has(foldName(name)))
      notes.push(`${source.path} has the field «${name.slice(0, 100)}» in two spellings; the first is kept.`);
    else {
      columns.set(foldName(name), { name, type: nodeType(guess), ...(!hasValues(guess) && { sourceType: BLANK }) });
      values.push(guess.values);
    }
  }
  return { columns: [...columns.values()], values, notes };
}

function unreadable(source: ByteSource, what: string): TenonError {
  return new TenonError('DATA_UNREADABLE', `${source.path} ${what}.`, { path: source.path });
}

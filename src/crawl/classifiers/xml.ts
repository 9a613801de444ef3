import { TenonError } from '../../model/errors.ts';
import type { Format } from '../../model/schema.ts';
import type { ByteSource, Classification, Classifier, ClassifyLimits, Reading } from '../classifier.ts';
import { plainPath, readHead, type Head } from '../head.ts';
import { xmlColumns } from '../infer-xml.ts';
import { decodeText } from '../text.ts';
import { findRowTag, otherRowTags, rowsOf } from '../xml-rows.ts';
import { readXml, XmlFault, type XmlNode, type XmlTree } from '../xml-tree.ts';

/**
 * XML: each element of one name is a row. Its option `rowTag` says which; attributes are columns with `_` in front, and
 * `_VALUE` is the text of an element that has more than text, as Glue has it.
 */
export const xmlClassifier: Classifier = { format: 'xml', classify: (source, limits) => classifyXml(source, limits) };

/** Rows that are looked at for a tag that only another file may ask for. */
const OTHER_RECORDS = 100;

/** With `rowTag` somebody says which element is a row; else it is found. */
export async function classifyXml(
  source: ByteSource,
  limits: ClassifyLimits,
  rowTag?: string,
): Promise<Classification | undefined> {
  const sizes = [limits.sampleBytes, Math.max(limits.sampleBytes, limits.recordBytes)];
  for (const [i, size] of sizes.entries()) {
    const head = await readHead(source, size, limits);
    const text = xmlText(head);
    if (text === undefined) return undefined;
    const tree = readTree(source, text, head, limits);
    if (tree === undefined) return undefined;
    const found = tree.root === undefined ? undefined : describe(source, { root: tree.root, head, limits, rowTag });
    if (found !== undefined) return found;
    if (head.whole) return undefined;
    if (i === sizes.length - 1) throw unreadable(source, `has a first row of more than ${head.bytes.length} bytes`);
  }
  return undefined;
}

/** Undefined for what does not begin as XML does, or is a page for people. */
function xmlText(head: Head): string | undefined {
  const decoded = decodeText(head);
  if (decoded === undefined) return undefined;
  const text = decoded.text.trimStart();
  if (!/^<[?!\p{L}_]/u.test(text) || /^<(?:!doctype\s+)?html[\s>]/i.test(text)) return undefined;
  return text;
}

function readTree(source: ByteSource, text: string, head: Head, limits: ClassifyLimits): XmlTree | undefined {
  try {
    return readXml(text, head.whole, limits.jsonDepth);
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
    if (!text.startsWith('<?xml') && !/\.xml$/i.test(plainPath(source.path))) return undefined;
    if (error.deep) throw new TenonError('LIMIT', `${source.path} ${error.message}.`, { path: source.path, limit: 'jsonDepth' });
    throw unreadable(source, error.message);
  }
}

interface Seen {
  readonly root: XmlNode;
  readonly head: Head;
  readonly limits: ClassifyLimits;
  readonly rowTag: string | undefined;
}

/** Undefined when there is no whole row, or nothing in any. */
function describe(source: ByteSource, seen: Seen): Classification | undefined {
  const { root, head, limits } = seen;
  const rowTag = seen.rowTag ?? findRowTag(root);
  const own = readRows(source, root, rowTag, head, limits);
  if (own.reading.columns.length === 0) return undefined;
  const formatOf = (tag: string): Format => ({
    name: 'xml',
    ...(head.compression !== undefined && { compression: head.compression }),
    options: { rowTag: tag },
  });
  const notes = own.twice.map(
    (name) => `${source.path} has the field «${name.slice(0, 100)}» in two spellings; the first is kept.`,
  );
  return {
    format: formatOf(rowTag),
    ...own.reading,
    confidence: 1,
    ...(notes.length > 0 && { notes }),
    alternatives: otherRowTags(root, rowTag).flatMap((tag) => {
      const { reading } = readRows(source, root, tag, head, { ...limits, sampleRecords: OTHER_RECORDS });
      return reading.columns.length === 0 ? [] : [{ format: formatOf(tag), reading }];
    }),
  };
}

function readRows(
  source: ByteSource,
  root: XmlNode,
  tag: string,
  head: Head,
  limits: ClassifyLimits,
): { reading: Reading; twice: string[] } {
  const rows = rowsOf(root, tag);
  const found = xmlColumns(rows.slice(0, limits.sampleRecords), limits.columns);
  if (found === undefined) {
    const message = `${source.path} has more than ${limits.columns} columns, nested fields counted (columns).`;
    throw new TenonError('LIMIT', message, { path: source.path, limit: 'columns' });
  }
  const { columns, twice } = found;
  const complete = head.whole && root.closed;
  return { reading: { columns, ...(complete && { rows: BigInt(rows.length) }) }, twice };
}

function unreadable(source: ByteSource, what: string): TenonError {
  return new TenonError('DATA_UNREADABLE', `${source.path} ${what}.`, { path: source.path });
}

import { TenonError } from '../../model/errors.ts';
import { MAX_ROWS, type ByteSource, type Classification, type Classifier, type ClassifyLimits } from '../classifier.ts';
import { ORC_MARK, readPostscript, unpackFooter, type Postscript } from '../orc-tail.ts';
import { orcFacts } from '../orc-stats.ts';
import { orcColumns } from '../orc-types.ts';
import { numberOf, readMessage } from '../protobuf.ts';

/** ORC: by its footer alone, in one read for most files. */
const NAMED = /\.orc$/i;

export const orcClassifier: Classifier = { format: 'orc', named: NAMED, classify };

/** Most footers fit. */
const TAIL_BYTES = 64 * 1024;

async function classify(source: ByteSource, limits: ClassifyLimits): Promise<Classification | undefined> {
  const named = NAMED.test(source.path);
  // The footer has its mark as well, so that a file with the right name is one read.
  if (named) {
    const tail = await source.read(Math.max(0, source.size - TAIL_BYTES), source.size);
    const isOrc = Buffer.from(tail.subarray(-ORC_MARK.length - 1, -1)).toString('latin1') === ORC_MARK;
    if (isOrc) return readTail(source, limits);
  }
  const head = await source.read(0, Math.min(limits.sampleBytes, source.size));
  if (Buffer.from(head.subarray(0, ORC_MARK.length)).toString('latin1') !== ORC_MARK) return undefined;
  // A text may begin with these three letters as well.
  if (!named && !head.includes(0)) return undefined;
  return readTail(source, limits);
}

async function readTail(source: ByteSource, limits: ClassifyLimits): Promise<Classification> {
  try {
    return await parseTail(source, limits);
  } catch (cause) {
    if (cause instanceof TenonError) throw cause;
    const message = `${source.path} has a broken ORC footer, or is cut off.`;
    throw new TenonError('DATA_UNREADABLE', message, { path: source.path }, { cause });
  }
}

async function parseTail(source: ByteSource, limits: ClassifyLimits): Promise<Classification> {
  const tail = await source.read(Math.max(0, source.size - TAIL_BYTES), source.size);
  const length = tail.at(-1) ?? 0;
  if (length + 4 > tail.length || length === 0) throw new Error('no postscript');
  const postscript = readPostscript(tail.subarray(tail.length - 1 - length, tail.length - 1));
  const footer = await readFooter(source, tail, length + 1, postscript, limits);
  const fields = readMessage(footer);
  const rows = numberOf(fields, 6) ?? 0;
  if (rows > MAX_ROWS) throw new Error('an impossible count of rows');
  const columns = orcColumns(source.path, fields, limits);
  const facts = limits.columnStats ? orcFacts(fields, rows, columns, postscript.writerVersion) : undefined;
  return { format: { name: 'orc' }, columns, rows: BigInt(rows), ...(facts !== undefined && { facts }), confidence: 1 };
}

async function readFooter(
  source: ByteSource,
  tail: Uint8Array,
  behind: number,
  postscript: Postscript,
  limits: ClassifyLimits,
): Promise<Uint8Array> {
  const { footerLength } = postscript;
  if (footerLength + behind > source.size) throw new Error('a footer longer than the file');
  if (footerLength > limits.footerBytes) {
    const message = `${source.path} has a footer of ${footerLength} bytes; ${limits.footerBytes} are the limit (footerBytes).`;
    throw new TenonError('LIMIT', message, { path: source.path, limit: 'footerBytes' });
  }
  const inTail = tail.length - behind - footerLength;
  const start = source.size - behind - footerLength;
  const raw = inTail >= 0 ? tail.subarray(inTail, inTail + footerLength) : await source.read(start, start + footerLength);
  if (raw.length !== footerLength) throw new Error('a footer that was cut off');
  return unpackFooter(source.path, raw, postscript, limits.footerBytes);
}

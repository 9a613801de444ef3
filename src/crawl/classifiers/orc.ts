import { TenonError } from '../../model/errors.ts';
import { MAX_ROWS, type ByteSource, type Classification, type Classifier, type ClassifyLimits } from '../classifier.ts';
import { ORC_MARK, readPostscript, unpackFooter, type Postscript } from '../orc-tail.ts';
import { orcColumns } from '../orc-types.ts';
import { numberOf, readMessage } from '../protobuf.ts';

/** ORC: by its footer alone, in one read for most files. */
export const orcClassifier: Classifier = { format: 'orc', classify };

/** Most footers fit. */
const TAIL_BYTES = 64 * 1024;

async function classify(source: ByteSource, limits: ClassifyLimits): Promise<Classification | undefined> {
  const head = await source.read(0, Math.min(limits.sampleBytes, source.size));
  if (Buffer.from(head.subarray(0, 3)).toString('latin1') !== ORC_MARK) return undefined;
  const named = /\.orc$/i.test(source.path);
  try {
    return await readTail(source, limits);
  } catch (cause) {
    if (cause instanceof TenonError) throw cause;
    // A text may begin with these three letters as well.
    if (!named && !Buffer.from(head).includes(0)) return undefined;
    throw new TenonError(
      'DATA_UNREADABLE',
      `${source.path} has a broken ORC footer, or is cut off.`,
      { path: source.path },
      { cause },
    );
  }
}

async function readTail(source: ByteSource, limits: ClassifyLimits): Promise<Classification> {
  const tail = await source.read(Math.max(0, source.size - TAIL_BYTES), source.size);
  const length = tail.at(-1) ?? 0;
  if (length + 4 > tail.length || length === 0) throw new Error('no postscript');
  const postscript = readPostscript(tail.subarray(tail.length - 1 - length, tail.length - 1));
  const footer = await readFooter(source, tail, length + 1, postscript, limits);
  const fields = readMessage(footer);
  const rows = numberOf(fields, 6) ?? 0;
  if (rows > MAX_ROWS) throw new Error('an impossible count of rows');
  return {
    format: { name: 'orc' },
    columns: orcColumns(source.path, fields, limits),
    rows: BigInt(rows),
    confidence: 1,
  };
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

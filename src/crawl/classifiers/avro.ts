import { TenonError } from '../../model/errors.ts';
import { avroColumns } from '../avro-types.ts';
import { AvroCut, broken, countRows, readAvroHeader, type AvroHeader } from '../avro-header.ts';
import type { ByteSource, Classification, Classifier, ClassifyLimits } from '../classifier.ts';

/** Avro object container files: by the schema in their header. No block is unpacked. */
export const avroClassifier: Classifier = { format: 'avro', classify };

const CODECS = ['null', 'deflate', 'snappy', 'bzip2', 'zstandard', 'xz'];

async function classify(source: ByteSource, limits: ClassifyLimits): Promise<Classification | undefined> {
  const header = await readAvroHeader(source, limits);
  if (header === undefined) {
    if (/\.avro$/i.test(source.path) && (await isCutMark(source, limits))) throw broken(source, 'no header');
    return undefined;
  }
  if (!CODECS.includes(header.codec)) {
    throw new TenonError(
      'UNSUPPORTED',
      `${source.path} has Avro’s codec «${header.codec.slice(0, 100)}»; supported are ${CODECS.join(', ')}.`,
      { path: source.path, codec: header.codec.slice(0, 100) },
    );
  }
  const rows = await rowsOf(source, header, limits);
  return {
    format: { name: 'avro' },
    columns: avroColumns(source.path, header.schema, limits),
    ...(rows !== undefined && { rows }),
    confidence: 1,
  };
}

/** A file that ends within Avro's four first bytes. */
async function isCutMark(source: ByteSource, limits: ClassifyLimits): Promise<boolean> {
  const bytes = await source.read(0, Math.min(limits.sampleBytes, source.size));
  return bytes.length < 4 && bytes[0] === 0x4f;
}

async function rowsOf(source: ByteSource, header: AvroHeader, limits: ClassifyLimits): Promise<bigint | undefined> {
  if (source.size > limits.sampleBytes) return undefined;
  try {
    return countRows(await source.read(0, source.size), header);
  } catch (cause) {
    if (cause instanceof AvroCut) throw new TenonError('DATA_UNREADABLE', `${source.path} is cut off.`, { path: source.path });
    throw broken(source, cause);
  }
}

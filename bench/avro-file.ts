import type { Row } from './infer-files.ts';

/** The rows as a file of Avro: one block, not packed. */
export function avroOf(rows: readonly Row[]): Buffer {
  const sync = Buffer.alloc(16, 7);
  const schema = {
    type: 'record',
    name: 'Row',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'name', type: 'string' },
      { name: 'amount', type: 'double' },
      { name: 'active', type: 'boolean' },
      { name: 'created', type: { type: 'int', logicalType: 'date' } },
      { name: 'at', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
      { name: 'zip', type: 'string' },
      { name: 'note', type: 'string' },
    ],
  };
  const block = Buffer.concat(rows.map(record));
  const head = [Buffer.from('Obj\x01'), long(1), text('avro.schema'), text(JSON.stringify(schema)), long(0), sync];
  return Buffer.concat([...head, long(rows.length), long(block.length), block, sync]);
}

function record({ id, name, amount, active, created, at, zip, note }: Row): Buffer {
  const double = Buffer.alloc(8);
  double.writeDoubleLE(amount);
  const days = Date.parse(created) / 86_400_000;
  const micros = Date.parse(`${at.replace(' ', 'T')}Z`) * 1_000;
  return Buffer.concat([
    long(id),
    text(name),
    double,
    Buffer.from([active ? 1 : 0]),
    long(days),
    long(micros),
    text(zip),
    text(note),
  ]);
}

function text(value: string): Buffer {
  return Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)]);
}

/** Zigzag, seven bits a byte, the lowest first. */
function long(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value) * 2n;
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

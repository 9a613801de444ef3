/** ORC files by hand, for tests: what no writer writes. */

/** Base-128, as Thrift, Avro and Protocol Buffers have it. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

/** Of a message: a number, or bytes with their length. */
export function field(fieldNumber: number, value: Uint8Array | number): Buffer {
  const isNumber = typeof value === 'number';
  const tag = varint(fieldNumber * 8 + (isNumber ? 0 : 2));
  return isNumber ? Buffer.concat([tag, varint(value)]) : Buffer.concat([tag, varint(value.length), value]);
}

export interface Postscript {
  readonly footerLength?: number;
  readonly writer?: number;
}

export function orc(packedFooter: Uint8Array, compression: number, postscript: Postscript = {}): Buffer {
  const { footerLength = packedFooter.length, writer } = postscript;
  const last = Buffer.concat([
    field(1, footerLength),
    field(2, compression),
    field(3, 262_144),
    ...(writer === undefined ? [] : [field(6, writer)]),
    field(8000, Buffer.from('ORC')),
  ]);
  return Buffer.concat([Buffer.from('ORC'), packedFooter, last, Buffer.from([last.length])]);
}

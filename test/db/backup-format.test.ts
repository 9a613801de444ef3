import { describe, expect, it } from 'vitest';
import { decode, encode, type Frame } from '../../src/db/backup-format.ts';

const FRAMES: readonly Frame[] = [
  { kind: 'H', value: { format: 'tenon-backup', formatVersion: 1, migration: 1, tenon: '0.1.0', at: '2026-11-20T12:00:00Z' } },
  { kind: 'T', value: { table: 'databases', columns: ['id', 'name'] } },
  { kind: 'D', value: Buffer.from('d1\tlake\nd2\tsea\n') },
  { kind: 'E', value: { rows: 2 } },
  { kind: 'S', value: { changes_position: '9007199254740993' } },
];

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const encoded = async (frames: readonly Frame[]): Promise<Buffer> => Buffer.concat(await collect(encode(each(frames))));
const decoded = (bytes: Buffer, size = bytes.length): Promise<Frame[]> => collect(decode(each(pieces(bytes, size))));

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('the format of backups', () => {
  it('reads what it wrote, however the bytes arrive', async () => {
    const bytes = await encoded(FRAMES);
    for (const size of [1, 2, 7, 64, bytes.length]) expect(await decoded(bytes, size)).toEqual(FRAMES);
  });

  it('cuts long rows into frames of a bounded length', async () => {
    const row = Buffer.alloc(2_500_000, 'x');
    const frames = await decoded(await encoded([{ kind: 'D', value: row }]), 65_536);
    expect(frames).toHaveLength(3);
    expect(Buffer.concat(frames.flatMap((frame) => (frame.kind === 'D' ? [frame.value] : []))).equals(row)).toBe(true);
  });

  it('finds every byte that was changed', async () => {
    const bytes = await encoded(FRAMES);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x04, at);
      await expect(decoded(changed), `byte ${at}`).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
    }
  });

  it('finds every place where it was cut', async () => {
    const bytes = await encoded(FRAMES);
    for (let length = 0; length < bytes.length; length++) {
      await expect(decoded(bytes.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
    }
  });

  it('refuses a length that would fill the memory', async () => {
    await expect(decoded(Buffer.from('D\xff\xff\xff\xff', 'latin1'))).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
  });
});

import { createHash } from 'node:crypto';
import { compareBytes } from '../../src/connections/byte-order.ts';

export interface FakeObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly modified: Date;
  readonly content?: Buffer;
}

/** Keys that are computed when they are listed, so that a million of them cost nothing. In byte order. */
export interface KeySpace {
  readonly count: number;
  at(index: number): FakeObject;
}

const MODIFIED = new Date('2026-11-20T12:00:00Z');

/** Objects that were put, beside a generated key space that is read-only. */
export class FakeBucket {
  readonly name: string;
  readonly uploads = new Map<string, Map<number, Buffer>>();
  private readonly space: KeySpace | undefined;
  private readonly objects = new Map<string, FakeObject>();
  private sorted: FakeObject[] | undefined;

  constructor(name: string, space?: KeySpace) {
    this.name = name;
    this.space = space;
  }

  put(key: string, content: Buffer): string {
    const etag = createHash('md5').update(content).digest('hex');
    this.objects.set(key, { key, size: content.length, etag, modified: MODIFIED, content });
    this.sorted = undefined;
    return `"${etag}"`;
  }

  remove(key: string): void {
    this.objects.delete(key);
    this.sorted = undefined;
  }

  find(key: string): FakeObject | undefined {
    const index = this.firstFrom(key, false);
    const found = index < this.count() ? this.at(index) : undefined;
    return found?.key === key ? found : this.objects.get(key);
  }

  bytes(object: FakeObject): Buffer {
    return object.content ?? Buffer.alloc(object.size, 'x');
  }

  begin(): string {
    const id = `upload-${this.uploads.size + 1}`;
    this.uploads.set(id, new Map());
    return id;
  }

  /** Up to `max` objects with the prefix after a key, and whether more follow. A key space hides what was put. */
  list(prefix: string, after: string, max: number): { objects: FakeObject[]; truncated: boolean } {
    const from = compareBytes(after, prefix) < 0 ? prefix : after;
    const objects: FakeObject[] = [];
    for (let i = this.firstFrom(from, from === after && after !== ''); i < this.count(); i += 1) {
      const object = this.at(i);
      if (!object.key.startsWith(prefix)) break;
      if (objects.length === max) return { objects, truncated: true };
      objects.push(object);
    }
    return { objects, truncated: false };
  }

  private count(): number {
    return this.space?.count ?? this.inOrder().length;
  }

  private at(index: number): FakeObject {
    const object = this.space?.at(index) ?? this.inOrder()[index];
    if (object === undefined) throw new RangeError(`There is no object ${index}.`);
    return object;
  }

  private inOrder(): FakeObject[] {
    return (this.sorted ??= [...this.objects.values()].sort((a, b) => compareBytes(a.key, b.key)));
  }

  /** The index of the first key that is at (or, with `beyond`, after) the given one. */
  private firstFrom(key: string, beyond: boolean): number {
    let low = 0;
    let high = this.count();
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareBytes(this.at(middle).key, key);
      if (order < 0 || (beyond && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** `tables` × `partitions` × `files` keys as a lake has them: `t0001/dt=000002/part-00003.csv`. */
export function lakeKeys(tables: number, partitions: number, files: number): KeySpace {
  return {
    count: tables * partitions * files,
    at(index) {
      const file = index % files;
      const partition = Math.floor(index / files) % partitions;
      const table = Math.floor(index / files / partitions);
      const key = `t${pad(table, 4)}/dt=${pad(partition, 6)}/part-${pad(file, 5)}.csv`;
      return { key, size: 1_000 + (index % 977), etag: index.toString(16).padStart(32, '0'), modified: MODIFIED };
    },
  };
}

function pad(number: number, width: number): string {
  return String(number).padStart(width, '0');
}

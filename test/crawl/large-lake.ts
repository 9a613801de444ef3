import { createHash } from 'node:crypto';
import type { FakeBucket } from '../servers/fake-s3-bucket.ts';
import { randomFrom } from './random.ts';

/** What a lake has in one partition, by who has made it. */
interface TruePartition {
  readonly kind: Kind;
  /** Keys of the objects that make it up, with their contents. */
  readonly files: Map<string, Buffer>;
}

export interface TrueTable {
  readonly name: string;
  readonly keys: readonly string[];
  /** By the folder below the table, without the last slash; empty for a table without partitions. */
  readonly partitions: Map<string, TruePartition>;
}

/** Most are plain. Of others the columns are more, or wider, or the format is another one. */
const KINDS = ['plain', 'extra', 'wide', 'json'] as const;
export type Kind = (typeof KINDS)[number];

export interface TrueLake {
  readonly tables: Map<string, TrueTable>;
  /** Keys of what is there and belongs to no table. */
  readonly others: string[];
  readonly objects: number;
  /** Changes one in a hundred partitions: new files, changed ones, files that go, partitions that come and go. */
  change(): void;
}

const NOTHING = Buffer.from([0, 159, 146, 150, 1, 2, 250, 251, 0, 0, 7]);

/**
 * Fills a bucket with many partitions of a few tables, about one in a hundred of them odd, and keeps the books itself: what
 * the catalog has to come to is not computed by anything that is tested.
 */
export function layLargeLake(bucket: FakeBucket, sizes: readonly number[], filesAtMost: number, seed: number): TrueLake {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const isOdd = (): boolean => random() < 0.01;
  const tables = new Map<string, TrueTable>();
  const others: string[] = [];
  let serial = 0;

  const put = (key: string, content: Buffer): Buffer => {
    bucket.put(key, content);
    return content;
  };
  const other = (key: string, content: Buffer): void => {
    others.push(key);
    put(key, content);
  };

  function content(kind: Kind): Buffer {
    const n = (serial += 1);
    if (kind === 'json') return Buffer.from(`{"id":${n},"amount":1.5}\n{"id":${n + 1},"amount":2.5}\n`);
    const id = kind === 'wide' ? `x${n}` : String(n);
    const [head, tail] = kind === 'extra' ? ['id,amount,note', ',late'] : ['id,amount', ''];
    return Buffer.from(`${head}\n${id},1.5${tail}\n${id},${n}.25${tail}\n`);
  }

  function lay(table: TrueTable, folder: string): void {
    const kind = isOdd() ? (KINDS[1 + below(3)] ?? 'plain') : 'plain';
    const files = new Map<string, Buffer>();
    const root = `${table.name}/${folder}/`;
    for (let count = 1 + below(filesAtMost); count > 0; count -= 1) {
      const key = `${root}part-${String((serial += 1)).padStart(7, '0')}.${kind === 'json' ? 'json' : 'csv'}`;
      files.set(key, put(key, content(kind)));
    }
    if (isOdd()) other(`${root}data.bin`, NOTHING);
    if (isOdd()) other(`${root}_SUCCESS`, Buffer.alloc(0));
    if (isOdd()) other(`${root}empty.csv`, Buffer.alloc(0));
    if (isOdd()) other(`${root}.part-1.csv.crc`, Buffer.from('crc'));
    if (isOdd()) other(`${root}_temporary/0/part-9.csv`, content('plain'));
    table.partitions.set(folder, { kind, files });
  }

  /** A day for each, in two regions, a few with names that have to be spelled for S3 and for Hive. */
  function folderOf(n: number): string {
    const day = new Date(Date.UTC(2020, 0, 1 + Math.floor(n / 2))).toISOString().slice(0, 10);
    const region = isOdd() ? 'a%2Fb ü+&' : n % 2 === 0 ? 'eu' : 'us';
    return `dt=${day}/region=${region}`;
  }

  for (const [i, size] of sizes.entries()) {
    const table: TrueTable = { name: `t${String(i).padStart(2, '0')}`, keys: ['dt', 'region'], partitions: new Map() };
    tables.set(table.name, table);
    for (let n = 0; n < size; n += 1) lay(table, folderOf(n));
    if (i % 3 === 0) other(`${table.name}/README.md`, Buffer.from('# Words\n'));
  }
  for (let i = 0; i < 5; i += 1) {
    const key = `stray/one${i}/only.csv`;
    const files = new Map([[key, put(key, Buffer.from(`a${i},b${i},c${i}\n${i},2,3\n4,5,6\n`))]]);
    tables.set(`one${i}`, { name: `one${i}`, keys: [], partitions: new Map([['', { kind: 'plain', files }]]) });
  }

  return {
    tables,
    others,
    get objects() {
      let files = 0;
      for (const { partitions } of tables.values()) for (const one of partitions.values()) files += one.files.size;
      return files + others.length;
    },
    change() {
      for (const table of tables.values()) {
        if (table.keys.length === 0) continue;
        const before = [...table.partitions];
        for (const [folder, partition] of before) {
          if (!isOdd()) continue;
          const keys = [...partition.files.keys()];
          const what = below(4);
          const key = keys[below(keys.length)] ?? '';
          if (what === 0 && table.partitions.size > 1) {
            for (const each of keys) bucket.remove(each);
            table.partitions.delete(folder);
          } else if (what === 1 && keys.length > 1) {
            bucket.remove(key);
            partition.files.delete(key);
          } else if (what === 2) partition.files.set(key, put(key, content(partition.kind)));
          else lay(table, `dt=2031-01-01/region=${(serial += 1)}`);
        }
      }
    },
  };
}

export function etagOf(content: Buffer): string {
  return createHash('md5').update(content).digest('hex');
}

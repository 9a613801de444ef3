import type { FakeObject, KeySpace } from './fake-s3-bucket.ts';

/** A lake that nobody made: what a crawl of it has to find follows from its size alone. */
export interface FakeLake extends KeySpace {
  readonly tables: readonly { readonly name: string; readonly partitions: number; readonly odd: number }[];
  readonly files: number;
  /** The bytes of all objects of a table. */
  bytesOf(table: string): bigint;
}

/** Names in byte order, with what their files hold; the odd ones have a column more, and files of another name. */
const TABLES = [
  { name: 'clicks', header: 'id,url,at', row: '1,https://a.example/b,2026-01-02 03:04:05' },
  { name: 'orders', header: 'id,email,amount,quantity', row: '17,ann@example.com,12.50,3' },
  { name: 'visits', header: 'visitor,seconds,country', row: 'v-1,12.25,NL' },
];
const MODIFIED = new Date('2026-11-20T12:00:00Z');
const HOUR = 3_600_000;
const FIRST = Date.UTC(1990, 0, 1);
const ODD = 100;

/** `partitions` in all, by day and hour, in three tables; of every hundred one is odd. */
export function fakeLake(partitions: number, files: number, contents?: readonly Buffer[]): FakeLake {
  const tables = TABLES.map(({ name }, i) => {
    const count = Math.floor(partitions / 3) + (i < partitions % 3 ? 1 : 0);
    return { name, partitions: count, odd: Math.floor((count + ODD / 2 - 1) / ODD) };
  });
  const texts = contents ?? TABLES.flatMap(({ header, row }) => [textOf(header, row), textOf(`${header},extra`, `${row},true`)]);
  const extension = contents === undefined ? 'csv' : 'parquet';
  const starts = tables.map((_, i) => tables.slice(0, i).reduce((sum, one) => sum + one.partitions, 0));
  const place = (index: number): { table: number; partition: number } => {
    const at = Math.floor(index / files);
    const table = at >= (starts[2] ?? 0) ? 2 : at >= (starts[1] ?? 0) ? 1 : 0;
    return { table, partition: at - (starts[table] ?? 0) };
  };
  const content = (index: number): Buffer => {
    const { table, partition } = place(index);
    return texts[table * 2 + (isOdd(partition) ? 1 : 0)] ?? Buffer.alloc(0);
  };
  let folder: { readonly at: number; readonly path: string; readonly content: Buffer } | undefined;
  // Who lists asks for the files of a partition one after the other.
  const folderOf = (index: number): NonNullable<typeof folder> => {
    const at = Math.floor(index / files);
    if (folder?.at === at) return folder;
    const { table, partition } = place(index);
    const time = new Date(FIRST + partition * HOUR).toISOString();
    const name = isOdd(partition) ? 'extra' : 'part';
    const path = `${tables[table]?.name}/dt=${time.slice(0, 10)}/hour=${time.slice(11, 13)}/${name}`;
    folder = { at, path, content: content(index) };
    return folder;
  };
  return {
    tables,
    files,
    count: partitions * files,
    at(index): FakeObject {
      const { path, content: bytes } = folderOf(index);
      const key = `${path}-${String(index % files).padStart(5, '0')}-c000.${extension}`;
      return { key, size: bytes.length, etag: etagOf(index), modified: MODIFIED, content: bytes };
    },
    bytesOf(name) {
      const table = tables.findIndex((one) => one.name === name);
      const { partitions: count = 0, odd = 0 } = tables[table] ?? {};
      const usual = (texts[table * 2]?.length ?? 0) * (count - odd);
      return BigInt(files) * BigInt(usual + (texts[table * 2 + 1]?.length ?? 0) * odd);
    },
  };
}

export function isOdd(partition: number): boolean {
  return partition % ODD === ODD / 2;
}

function textOf(header: string, row: string): Buffer {
  return Buffer.from(`${header}\n${`${row}\n`.repeat(3)}`);
}

/** As long and as random as an MD5. */
function etagOf(index: number): string {
  let text = '';
  for (let part = 1; part <= 4; part += 1) {
    const mixed = Math.imul(index + part, 2_654_435_761 + part * 2) >>> 0;
    text += HEX[mixed >>> 16] ?? '';
    text += HEX[mixed & 0xffff] ?? '';
  }
  return text;
}

const HEX = Array.from({ length: 0x10000 }, (_, i) => i.toString(16).padStart(4, '0'));

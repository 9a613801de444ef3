import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { packManifest } from '../../src/catalog/manifests.ts';
import { fold, Likenesses, manifestOf, unfold } from '../../src/crawl/glue-folder.ts';
import type { ReadUnit } from '../../src/crawl/unit.ts';
import { simple } from '../../src/model/types.ts';

const columnsOf = (width: number) =>
  Array.from({ length: width }, (_, i) => ({ name: `Column_${i}`, type: simple(i % 2 === 0 ? 'bigint' : 'string') }));

function unitOf(n: number, width: number): ReadUnit {
  const address = `s3://lake/raw/region=${n % 7}/day=${n}/part-0000.csv`;
  const columns = columnsOf(width);
  return {
    kind: 'read',
    partition: undefined,
    format: { name: 'csv', options: { delimiter: ',', quote: '"', escape: '"', header: true } },
    columns,
    rows: BigInt(n),
    stats: undefined,
    sample: { files: 1, rows: n, values: new Map(columns.map(({ name }, i) => [name.toLowerCase(), n + i])) },
    manifest: packManifest([{ address, size: 100 + n, etag: String(n).padStart(32, '0'), modified: n }]),
    layouts: ['*.csv'],
  };
}

describe('a folder in few bytes', () => {
  it('is the same when it is taken up again', () => {
    const likenesses = new Likenesses();
    for (const n of [0, 1, 250, 5_000]) {
      const unit = unitOf(n, 5);
      const like = likenesses.of(unit.columns ?? [], unit.format);
      expect(like).toBe(likenesses.of(columnsOf(5), { ...unit.format }));
      expect(unfold(fold(unit, unit.format, like.columns), like.columns)).toEqual({ ...unit, layouts: undefined });
    }
    const stats = { column_0: { min: '1', max: '2', nulls: 3 } };
    const odd: ReadUnit = { ...unitOf(1, 1), rows: undefined, sample: undefined, stats };
    expect(unfold(fold(odd, odd.format, columnsOf(1)), columnsOf(1))).toEqual({ ...odd, layouts: undefined });
    const huge: ReadUnit = { ...unitOf(1, 1), manifest: { ...unitOf(1, 1).manifest, bytes: 2n ** 60n }, rows: 2n ** 61n };
    expect(unfold(fold(huge, huge.format, columnsOf(1)), columnsOf(1))).toEqual({ ...huge, layouts: undefined });
  });

  it('has the manifest until the catalog keeps it', () => {
    const unit = unitOf(1, 1);
    const folded = fold(unit, unit.format, columnsOf(1));
    expect(manifestOf(folded)).toEqual(unit.manifest);
    folded.packed = new Uint8Array();
    expect(unfold(folded, columnsOf(1)).manifest).toEqual({ ...unit.manifest, packed: new Uint8Array() });
  });

  it('takes fewer than 500 bytes, thirty columns and all', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const likenesses = new Likenesses();
    const count = 20_000;
    const folded: unknown[] = Array.from({ length: count });
    const before = held();
    for (let n = 0; n < count; n += 1) {
      const unit = unitOf(n, 30);
      const { columns } = likenesses.of(unit.columns ?? [], unit.format);
      const short = fold(unit, unit.format, columns);
      short.packed = EMPTY;
      folded[n] = short;
    }
    expect((held() - before) / count).toBeLessThan(500);
    expect(folded).toHaveLength(count);
  });
});

const EMPTY = new Uint8Array();

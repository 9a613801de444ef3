import { describe, expect, it } from 'vitest';
import { packManifest } from '../../src/catalog/manifests.ts';
import { HeldUnits, toldUnit } from '../../src/crawl/held-units.ts';
import type { Told } from '../../src/crawl/unit.ts';
import type { Partition } from '../../src/model/table.ts';

const PARTITION: Partition = {
  id: 7n,
  tableId: 't',
  values: ['a'],
  location: 's3://b/t/k=a/',
  owner: 'crawler:c',
  files: 1,
  manifestHash: 'h',
};

function placed(value: string | null, told: Told, partition?: Partition) {
  const manifest = packManifest([{ address: `s3://b/t/k=${value}/f`, size: 2 ** 52, etag: 'e', modified: 1 }]);
  return { values: [value], path: `t/k=${value}/`, location: `s3://b/t/k=${value}/`, unit: toldUnit(told, partition, manifest) };
}

describe('held units', () => {
  it('are what they were, also those that were packed, without the files that the catalog keeps', () => {
    const csv: Told = { format: { name: 'csv' }, columns: undefined };
    const json: Told = { format: { name: 'json' }, columns: undefined };
    const units = new HeldUnits((location) => location.replace('s3://b/', ''));
    const found = [placed('«ü»', csv), placed(null, json), placed('c', csv, PARTITION), placed('d', csv)];
    for (const one of found) units.set(units.reserve(), one);
    units.reserve();
    units.set(units.reserve(), PARTITION);
    units.pack([0, 1, 2, 4, 5]);
    expect([0, 1, 2, 3].map((index) => units.whole(index) === undefined)).toEqual([true, true, false, false]);
    expect(units.at(0)).toMatchObject({ values: ['«ü»'], path: 't/k=«ü»/', unit: { columns: undefined } });

    csv.columns = [{ name: 'id', type: { kind: 'int' } }];
    const taken = units.take();
    const withoutFiles = found.map((one, i) => ({
      ...one,
      unit: {
        ...one.unit,
        columns: i === 1 ? undefined : csv.columns,
        manifest: { ...one.unit.manifest, ...(i < 2 && { packed: new Uint8Array() }) },
      },
    }));
    expect(taken.slice(0, 4)).toEqual(withoutFiles);
    expect(taken[4]).toMatchObject({ path: 't/k=a/', values: ['a'], unit: { kind: 'unchanged', partition: PARTITION } });
    expect(taken).toHaveLength(5);
  });
});

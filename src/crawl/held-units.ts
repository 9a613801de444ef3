import type { PackedManifest, Partition } from '../model/table.ts';
import type { PlacedUnit } from './found-table.ts';
import type { ReadUnit, Told } from './unit.ts';

const NOTHING = new Uint8Array();

/**
 * The partitions of a table while it is open, in the order of the listing. A table of a hundred thousand is open for long, so of
 * each no more is held than has to be: of an unchanged one the row of the catalog, of a new one that is like others and whose
 * files the catalog keeps already a text, which takes a quarter of what its objects take.
 */
export class HeldUnits {
  private readonly held: (PlacedUnit | Partition | string | undefined)[] = [];
  private readonly told: Told[] = [];
  private readonly pathOf: (location: string) => string;

  /** `pathOf`: of a location, as reports have it. */
  constructor(pathOf: (location: string) => string) {
    this.pathOf = pathOf;
  }

  /** A place for the next one. */
  reserve(): number {
    return this.held.push(undefined) - 1;
  }

  set(index: number, placed: PlacedUnit | Partition | undefined): void {
    this.held[index] = placed;
  }

  /** Those of some whose manifests are kept that can do with less. */
  pack(indexes: readonly number[]): void {
    for (const index of indexes) {
      const placed = this.whole(index);
      if (placed?.unit.kind !== 'read' || placed.unit.told === undefined || placed.unit.partition !== undefined) continue;
      this.held[index] = this.packed(placed, placed.unit.told, placed.unit.manifest);
    }
  }

  private packed({ values, path, location }: PlacedUnit, told: Told, { hash, files, bytes }: PackedManifest): string {
    const known = this.told.indexOf(told);
    const number = known >= 0 ? known : this.told.push(told) - 1;
    const packed: Packed = [number, values, path, location, hash, files, String(bytes)];
    return JSON.stringify(packed);
  }

  /** One that is not packed. */
  whole(index: number): PlacedUnit | undefined {
    const held = this.held[index];
    return typeof held === 'string' ? undefined : held && this.placed(held);
  }

  at(index: number): PlacedUnit | undefined {
    const held = this.held[index];
    return held === undefined ? undefined : this.placed(held);
  }

  /** All of them, which are held no longer. */
  take(): PlacedUnit[] {
    return this.held.splice(0).flatMap((held) => (held === undefined ? [] : [this.placed(held)]));
  }

  private placed(held: PlacedUnit | Partition | string): PlacedUnit {
    if (typeof held === 'string') return this.unpack(held);
    if ('unit' in held) return held.unit.kind === 'read' ? asTold(held, held.unit) : held;
    const { pathOf } = this;
    const { values, location } = held;
    // Hardly ever asked for.
    return {
      values,
      location,
      unit: { kind: 'unchanged', partition: held },
      get path() {
        return pathOf(location);
      },
    };
  }

  private unpack(text: string): PlacedUnit {
    const [number, values, path, location, hash, files, bytes] = JSON.parse(text) as Packed;
    const told = this.told[number];
    if (told === undefined) throw new RangeError(`Nothing was told of ${location}.`);
    const manifest = { hash, packed: NOTHING, files, bytes: BigInt(bytes) };
    return { values, path, location, unit: toldUnit(told, undefined, manifest) };
  }
}

/** One that was not read. */
export function toldUnit(told: Told, partition: Partition | undefined, manifest: PackedManifest): ReadUnit {
  const { format, columns } = told;
  // Without a copy by `...`, which takes several times as much memory.
  const [rows, stats, sample, layouts] = [undefined, undefined, undefined, undefined];
  return { kind: 'read', partition, format, columns, rows, stats, sample, manifest, layouts, told };
}

function asTold(placed: PlacedUnit, unit: ReadUnit): PlacedUnit {
  const columns = unit.columns ?? unit.told?.columns;
  return columns === unit.columns ? placed : { ...placed, unit: { ...unit, columns } };
}

type Packed = [
  told: number,
  values: readonly (string | null)[],
  path: string,
  location: string,
  hash: string,
  files: number,
  bytes: string,
];

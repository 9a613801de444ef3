import type { Column } from '../model/schema.ts';

/** Schemas are alike, and folders are mostly alike, when more than this share is. */
const ALIKE = 0.7;
/** Folders whose schemas fall into more clusters are tables of their own. */
const MAX_CLUSTERS = 5;

/**
 * Sorts the schemas of the folders at one level into clusters as they come by. Of each cluster only its first schema and how
 * many are like it is kept, so that a level of any size costs the same.
 */
export class Clusters {
  private readonly clusters: { readonly columns: readonly Column[]; readonly names: ReadonlySet<string>; count: number }[] = [];
  private count = 0;

  add(columns: readonly Column[]): void {
    this.count += 1;
    const same = this.clusters.find((cluster) => cluster.columns === columns);
    const names = same?.names ?? namesOf(columns);
    const alike = same ?? this.clusters.find((cluster) => areAlike(cluster.names, names));
    if (alike !== undefined) alike.count += 1;
    else if (!this.areTooMany()) this.clusters.push({ columns, names, count: 1 });
  }

  /** No folder that is still to come can change that. */
  areTooMany(): boolean {
    return this.clusters.length > MAX_CLUSTERS;
  }

  areAlike(): boolean {
    const most = Math.max(0, ...this.clusters.map(({ count }) => count));
    return !this.areTooMany() && most > ALIKE * this.count;
  }
}

export function haveLikeColumns(a: readonly Column[], b: readonly Column[]): boolean {
  return areAlike(namesOf(a), namesOf(b));
}

function namesOf(columns: readonly Column[]): ReadonlySet<string> {
  return new Set(columns.map(({ name }) => name.toLowerCase()));
}

function areAlike(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size === 0 && b.size === 0) return true;
  const shared = [...b].filter((name) => a.has(name)).length;
  return shared > ALIKE * Math.max(a.size, b.size);
}

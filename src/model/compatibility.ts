import { parsePath } from './column-path.ts';
import { foldName } from './names.ts';
import type { SchemaChange } from './schema-diff.ts';
import { isWidening } from './type-union.ts';
import { parseType } from './types.ts';

/**
 * In the words of schema registries: BACKWARD, who reads with the new schema reads the old rows; FORWARD, who reads with
 * the old schema reads the new rows; FULL, both.
 */
export type Compatibility = 'FULL' | 'BACKWARD' | 'FORWARD' | 'NONE';

export function compatibility(changes: readonly SchemaChange[]): Compatibility {
  const verdicts = settled(changes).map(verdict);
  const backward = verdicts.every((each) => each.backward);
  const forward = verdicts.every((each) => each.forward);
  if (backward) return forward ? 'FULL' : 'BACKWARD';
  return forward ? 'FORWARD' : 'NONE';
}

/**
 * The changes that break one who reads these top-level columns: what was removed, or retyped other than by widening. A
 * column that only changed its case, or became a partition key, is still there for a reader.
 */
export function breaksReader(changes: readonly SchemaChange[], columns: ReadonlySet<string>): SchemaChange[] {
  const read = new Set([...columns].map(foldName));
  return settled(changes).filter((change) => {
    const [top] = parsePath(change.path);
    if (typeof top !== 'object' || !read.has(foldName(top.name))) return false;
    return change.kind === 'removed' || (change.kind === 'retyped' && !widens(change));
  });
}

function verdict(change: SchemaChange): { backward: boolean; forward: boolean } {
  switch (change.kind) {
    case 'added':
      // Old rows lack it: fine where null is allowed.
      return { backward: change.column?.nullable !== false, forward: true };
    case 'removed':
      return { backward: true, forward: false };
    case 'retyped':
      return { backward: widens(change), forward: narrows(change) };
    case 'nullability':
      return { backward: change.after === true, forward: change.after === false };
    default:
      return { backward: true, forward: true };
  }
}

function widens(change: SchemaChange): boolean {
  return isWidening(parseType(String(change.before)), parseType(String(change.after)));
}

function narrows(change: SchemaChange): boolean {
  return isWidening(parseType(String(change.after)), parseType(String(change.before)));
}

/**
 * Readers find columns by name whatever its case, among columns and partition keys alike. So a removal and an addition
 * of one name count as one column: as retyped, or as nothing when the type stayed.
 */
function settled(changes: readonly SchemaChange[]): SchemaChange[] {
  const added = new Map<string, SchemaChange>();
  for (const change of changes) if (change.kind === 'added') added.set(foldName(change.path), change);
  const used = new Set<SchemaChange>();
  const rest = changes.flatMap((change): SchemaChange[] => {
    const partner = change.kind === 'removed' ? added.get(foldName(change.path)) : undefined;
    if (partner === undefined || used.has(partner)) return [change];
    used.add(partner);
    return rejoined(change, partner);
  });
  return rest.filter((change) => !used.has(change));
}

function rejoined(removed: SchemaChange, added: SchemaChange): SchemaChange[] {
  const { path } = removed;
  const changes: SchemaChange[] = [];
  if (removed.before !== undefined && added.after !== undefined && removed.before !== added.after) {
    changes.push({ kind: 'retyped', path, before: removed.before, after: added.after });
  }
  const before = removed.column?.nullable ?? true;
  const after = added.column?.nullable ?? true;
  if (before !== after) changes.push({ kind: 'nullability', path, before, after });
  return changes;
}

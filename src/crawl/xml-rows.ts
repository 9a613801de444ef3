import type { XmlNode } from './xml-tree.ts';

/**
 * The element that stands for a row: the shallowest one below the root that repeats within its parent and has something in
 * it, of several the most frequent. Else the shallowest that repeats at all. A document in which nothing repeats is one
 * row, or holds one.
 */
export function findRowTag(root: XmlNode): string {
  let repeatedLeaf: string | undefined;
  for (let level = [root]; level.length > 0; level = level.flatMap(({ children }) => children)) {
    const counts = new Map<string, { count: number; structured: boolean }>();
    for (const { children } of level) addRepeated(children, counts);
    const best = [...counts].toSorted((a, b) => b[1].count - a[1].count);
    const record = best.find(([, { structured }]) => structured);
    if (record !== undefined) return record[0];
    repeatedLeaf ??= best[0]?.[0];
  }
  if (repeatedLeaf !== undefined && root.children.every(isLeaf)) return repeatedLeaf;
  const [only, ...others] = root.children;
  return only !== undefined && others.length === 0 && !isLeaf(only) ? only.name : root.name;
}

function addRepeated(children: readonly XmlNode[], counts: Map<string, { count: number; structured: boolean }>): void {
  if (children.length < 2) return;
  const own = new Map<string, XmlNode[]>();
  for (const child of children) {
    const same = own.get(child.name);
    if (same === undefined) own.set(child.name, [child]);
    else same.push(child);
  }
  for (const [name, nodes] of own) {
    if (nodes.length < 2) continue;
    const known = counts.get(name) ?? { count: 0, structured: false };
    counts.set(name, { count: known.count + nodes.length, structured: known.structured || nodes.some((node) => !isLeaf(node)) });
  }
}

function isLeaf({ children, attributes }: XmlNode): boolean {
  return children.length === 0 && attributes.length === 0;
}

/** The outermost elements of a name, but for the last one of a text that was cut. */
export function rowsOf(root: XmlNode, tag: string): XmlNode[] {
  if (root.name === tag) return root.closed ? [root] : [];
  return root.children.flatMap((child) => rowsOf(child, tag));
}

/** Names that other files of the same kind may have found to be their rows: of what has something in it, down to the row. */
export function otherRowTags(root: XmlNode, tag: string): string[] {
  const tags = new Set<string>();
  for (let level = [root], depth = 0; level.length > 0 && depth < 4; depth += 1) {
    for (const node of level) if (!isLeaf(node)) tags.add(node.name);
    level = level.flatMap(({ children }) => children);
  }
  tags.delete(tag);
  return [...tags].slice(0, 3);
}

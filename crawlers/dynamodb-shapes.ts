import { addShape, type Group, type Shape } from './dynamodb-groups.ts';

/** An attribute that so large a share of the items has says nothing about what they are. */
const EVERYWHERE = 0.95;

/**
 * Parts the items of one key pattern by what they are made of: where attributes come in sets that exclude each other, each set
 * is a type of its own. An attribute that is only sometimes there does not part anything.
 */
export function partShapes(group: Group, keys: readonly string[]): Shape[] {
  const shapes = [...group.shapes.values()].sort((a, b) => b.items - a.items);
  const telling = tellingNames(group, shapes, keys);
  const parts: { names: Set<string>; shapes: Shape[] }[] = [];
  const plain: Shape[] = [];
  for (const shape of shapes) {
    const names = new Set([...shape.attributes.keys()].filter((name) => telling.has(name)));
    if (names.size === 0) {
      plain.push(shape);
      continue;
    }
    const met = parts.filter((part) => [...names].some((name) => part.names.has(name)));
    const joined = {
      names: new Set([...names, ...met.flatMap((part) => [...part.names])]),
      shapes: [shape, ...met.flatMap((part) => part.shapes)],
    };
    for (const part of met) parts.splice(parts.indexOf(part), 1);
    parts.push(joined);
  }
  const sets = parts.filter(({ names }) => names.size >= 2).sort((a, b) => countOf(b.shapes) - countOf(a.shapes));
  const rest = [...plain, ...parts.filter(({ names }) => names.size < 2).flatMap((part) => part.shapes)];
  if (sets.length < 2) return [sum(shapes)];
  const [largest, ...others] = sets;
  return [sum([...(largest?.shapes ?? []), ...rest]), ...others.map((part) => sum(part.shapes))];
}

function tellingNames({ items }: Group, shapes: readonly Shape[], keys: readonly string[]): Set<string> {
  const counts = new Map<string, number>();
  for (const { attributes, items: count } of shapes) {
    for (const name of attributes.keys()) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return new Set([...counts].filter(([name, count]) => !keys.includes(name) && count < items * EVERYWHERE).map(([name]) => name));
}

function countOf(shapes: readonly Shape[]): number {
  return shapes.reduce((total, { items }) => total + items, 0);
}

function sum(shapes: readonly Shape[]): Shape {
  const total: Shape = { items: 0, attributes: new Map() };
  for (const shape of shapes) addShape(total, shape);
  return total;
}

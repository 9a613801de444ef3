import type { Lab } from './lab.ts';

/** Every table, column, partition and file as a line: what a crawl that met an error may not take away. */
export async function knownLines(lab: Lab): Promise<string[]> {
  return (await lab.catalog()).flatMap(({ name, columns, partitions }) => [
    name,
    ...columns.map((column) => `${name} ${column}`),
    ...partitions.flatMap(({ values, files }) => [`${name} ${values}`, ...files]),
  ]);
}

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, assert as holds, constantFrom, integer, property, record, string, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes } from '../../src/connections/byte-order.ts';
import { createGlueGrouping, type GlueRules, type Grouped } from '../../src/crawl/glue-grouping.ts';
import type { Column } from '../../src/model/schema.ts';
import { simple } from '../../src/model/types.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/grouping/glue');
const CASES = readdirSync(FOLDER).flatMap((name) => (name.endsWith('.folders.json') ? [name.replace('.folders.json', '')] : []));

const RULES: GlueRules = {
  combine: false,
  tableDepth: undefined,
  split: [],
  isInTable: () => false,
  hasTablesBelow: () => false,
  isUnsure: () => false,
};

/** `a b | csv gzip`: its columns, and what its files are; without the latter they are json. */
type Folders = Readonly<Record<string, string>>;

/** As a listing closes them: what lies within a folder comes before the folder. */
function closing(folders: Folders): string[] {
  return Object.keys(folders).toSorted((a, b) => (a.startsWith(b) ? -1 : b.startsWith(a) ? 1 : compareBytes(a, b)));
}

function leafOf(path: string, text: string, first: number) {
  const [names = '', kind = 'json'] = text.split(' | ');
  const columns = names.split(' ').map((name): Column => ({ name, type: simple('bigint') }));
  return { path, columns, kind, first, content: path };
}

function group(folders: Folders, rules: Partial<GlueRules> = {}): Grouped<string>[] {
  const grouping = createGlueGrouping<string>({ ...RULES, ...rules });
  const told = closing(folders).flatMap((path, i) => grouping.add(leafOf(path, folders[path] ?? '', i)));
  return [...told, ...grouping.finish()];
}

function shown({ root, keys, members }: Grouped<string>) {
  return {
    table: root,
    keys,
    partitions: members.map(({ values, path }) => `${values.map((v) => v ?? 'null').join('/')} in ${path}`),
  };
}

const inOrder = (groups: readonly Grouped<string>[]) =>
  groups.map(shown).toSorted((a, b) => (a.table + a.keys.join() < b.table + b.keys.join() ? -1 : 1));

describe('grouping by schemas', () => {
  // A new file of folders is a new case; what it gives is written beside it the first time, to be read by a person.
  it.each(CASES)('groups %s as the golden file says', (name) => {
    const { rules, folders } = JSON.parse(readFileSync(join(FOLDER, `${name}.folders.json`), 'utf8')) as {
      rules: Partial<GlueRules>;
      folders: Folders;
    };
    const golden = join(FOLDER, `${name}.golden.json`);
    const found = group(folders, rules).map(shown);
    if (!existsSync(golden)) writeFileSync(golden, `${JSON.stringify(found, null, 2)}\n`);
    expect(found).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
  });

  it('tells a table as soon as it is sure that nothing else belongs to it', () => {
    const grouping = createGlueGrouping<string>(RULES);
    expect(grouping.add(leafOf('a/', 'x', 0))).toEqual([]);
    expect(grouping.firstOpen()).toBe(0);
    // Another format, so neither belongs to the other.
    expect(grouping.add(leafOf('b/', 'x | csv', 1)).map(({ root }) => root)).toEqual(['a/', 'b/']);
    expect(grouping.firstOpen()).toBeUndefined();
    for (let i = 0; i < 100; i += 1) {
      expect(grouping.add(leafOf(`c/${String(i).padStart(3, '0')}/`, 'x', i + 2))).toEqual([]);
      expect(grouping.firstOpen()).toBe(2);
    }
    expect(grouping.add(leafOf('d/', 'x', 102)).map(({ root }) => root)).toEqual(['c/', 'd/']);
  });

  it('lets the catalog decide where something could not be seen', () => {
    const unsure = { isUnsure: () => true };
    // Two tables of which one cannot be seen do not become one, and one that has lost half of its folders does not fall apart.
    expect(group({ 'a/': 'x' }, { ...unsure, hasTablesBelow: () => true }).map(shown)).toMatchObject([{ table: 'a/' }]);
    const half = { 't/1/': 'x', 't/2/': 'y' };
    expect(
      group(half, { ...unsure, isInTable: (path) => path === 't/', hasTablesBelow: (path) => path === '' }).map(shown),
    ).toMatchObject([{ table: 't/' }]);
    expect(group(half).map(shown)).toMatchObject([{ table: 't/1/' }, { table: 't/2/' }]);
  });

  const name = constantFrom('a', 'b', 'k=1', 'k=2', 'x');
  const folder = array(name, { maxLength: 4 }).map((names) => names.map((one) => `${one}/`).join(''));
  const content = constantFrom('p q r', 'p q r', 'p q r s', 'u v', 'w', 'p q r | csv');
  const tree = uniqueArray(record({ folder, content }), { selector: (one) => one.folder, maxLength: 14 }).map((all): Folders =>
    Object.fromEntries(all.map((one) => [one.folder, one.content])),
  );

  it('puts every folder into exactly one table, below its root, with a value for each key', () => {
    holds(
      property(tree, (folders) => {
        const groups = group(folders);
        const placed = groups.flatMap(({ members }) => members.map(({ path }) => path));
        expect(placed.toSorted()).toEqual(Object.keys(folders).toSorted());
        for (const { root, keys, members } of groups) {
          expect(new Set(keys).size).toBe(keys.length);
          for (const { path, values } of members) {
            expect(path.startsWith(root)).toBe(true);
            expect(values).toHaveLength(path.slice(root.length).split('/').length - 1);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('comes to the same when it goes on after a crash, wherever nothing was open', () => {
    holds(
      property(tree, integer({ min: 0, max: 14 }), (folders, cut) => {
        const order = closing(folders);
        const first = createGlueGrouping<string>(RULES);
        const told: Grouped<string>[] = [];
        for (const [i, path] of order.slice(0, cut).entries()) told.push(...first.add(leafOf(path, folders[path] ?? '', i)));
        const last = order[cut - 1];
        // A table that is not told yet is read again from its first folder; here that is the whole listing.
        const isOpen = first.firstOpen() !== undefined;
        if (last === undefined || isOpen || cut > order.length) return;
        const split = first.splitAt(`${last}file`, cut);
        const second = createGlueGrouping<string>({ ...RULES, split });
        for (const [i, path] of order.slice(cut).entries()) told.push(...second.add(leafOf(path, folders[path] ?? '', i)));
        told.push(...second.finish());
        expect(inOrder(told)).toEqual(inOrder(group(folders)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps little of what is open', () => {
    const grouping = createGlueGrouping<string>(RULES);
    for (let i = 0; i < 20_000; i += 1) grouping.add(leafOf(`t/${String(i).padStart(6, '0')}/`, i % 20 === 7 ? 'x' : 'a b', i));
    const [table] = grouping.finish();
    expect([table?.root, table?.members.length]).toEqual(['', 20_000]);
  });
});

describe('names of any kind', () => {
  it('are values as they are, and keys only where they say so', () => {
    holds(
      property(
        uniqueArray(
          string({ unit: 'grapheme', minLength: 1, maxLength: 5 }).filter((text) => !/[/=]/.test(text)),
          { minLength: 1, maxLength: 5 },
        ),
        (names) => {
          const [table] = group(Object.fromEntries(names.map((one) => [`${one}/`, 'x'])));
          expect(table?.keys).toEqual(['partition_0']);
          expect(table?.members.map(({ values }) => values[0]).toSorted()).toEqual(names.toSorted());
        },
      ),
    );
  });
});

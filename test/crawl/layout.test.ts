import { describe, expect, it } from 'vitest';
import { extensionOf, foldedName, Layouts, tableStem } from '../../src/crawl/layout.ts';

function layoutsOf(names: readonly string[], fold: (name: string) => string): [string, number][] {
  const layouts = new Layouts(() => 3, fold);
  for (const [i, name] of names.entries()) {
    const read = () => Promise.reject(new Error('not read'));
    layouts.add(name, { kind: 'object', path: name, location: `s3://b/${name}`, size: 1, etag: 'e', modified: i, read });
  }
  return layouts.take().map(({ name, files }) => [name, files.count]);
}

describe('layouts', () => {
  it('are told apart by what names have but numbers', () => {
    const names = ['part-0000.csv', 'part-0001.csv', 'part-0002.json', 'port-0003.csv', 'part-0004.csv', 'part-10.csv'];
    expect(layoutsOf(names, foldedName)).toEqual([
      ['part-#.csv', 4],
      ['part-#.json', 1],
      ['port-#.csv', 1],
    ]);
    expect(layoutsOf(names, extensionOf)).toEqual([
      ['*.csv', 5],
      ['*.json', 1],
    ]);
  });

  it('are told apart by numbers that are part of an extension', () => {
    expect(layoutsOf(['a.v1', 'a.v2', 'a1.v2', 'a2.v2'], extensionOf)).toEqual([
      ['*.v1', 1],
      ['*.v2', 3],
    ]);
    expect(layoutsOf(['a.p1.csv', 'a.p2.csv'], foldedName)).toHaveLength(2);
  });

  it('name a table after a file that is alone, else after what the names have in common', () => {
    const stems = (names: readonly string[]): string[] => {
      const layouts = new Layouts(() => 3, foldedName);
      const read = () => Promise.reject(new Error('not read'));
      for (const path of names) layouts.add(path, { kind: 'object', path, location: path, size: 1, etag: '', modified: 0, read });
      return layouts.take().map(tableStem);
    };
    expect(stems(['orders-2026.csv'])).toEqual(['orders-2026']);
    expect(stems(['orders-2025.csv', 'orders-2026.csv'])).toEqual(['orders-']);
  });
});

import { array, assert as holds, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob } from '../../crawlers/glob.ts';
import { coversObject, parseObjectOptions } from '../../crawlers/objects.ts';

const matches = (pattern: string, path: string): boolean => compileGlob(pattern).matches(path);

describe('glob', () => {
  it.each([
    ['*.csv', 'a.csv', true],
    ['*.csv', 'dir/a.csv', false],
    ['**/*.csv', 'a.csv', false],
    ['**/*.csv', 'dir/deep/a.csv', true],
    ['**.csv', 'dir/a.csv', true],
    ['tmp', 'tmp', true],
    ['tmp', 'tmp/a', false],
    ['tmp/', 'tmp/a', true],
    ['tmp/**', 'tmp/', true],
    ['tmp/**', 'tmp2/a', false],
    ['a/*/c', 'a/b/c', true],
    ['a/*/c', 'a/b/b/c', false],
    ['a/**/c', 'a/b/b/c', true],
    ['a/**/c', 'a/bc', false],
    ['a*b*c', 'axxbxxc', true],
    ['a*b*c', 'axxbxx', false],
    ['**', 'anything/at all', true],
    ['*', '', true],
    ['x', '', false],
    ['*', '.hidden', true],
    ['a?c', 'a\u{1F600}c', true],
    ['a?c', 'a/c', false],
    ['a[/]c', 'a/c', false],
    ['a[!x]c', 'a/c', false],
    ['[a-c]1', 'b1', true],
    ['[a-c]1', 'd1', false],
    ['[!a-c]1', 'd1', true],
    ['[-a]', '-', true],
    ['[!-a]', '-', false],
    ['[*?\\]', '\\', true],
    ['[*?\\]', 'x', false],
    ['\\*.csv', '*.csv', true],
    ['\\*.csv', 'a.csv', false],
    ['a\\{b', 'a{b', true],
    ['{a,b*}/c', 'bxx/c', true],
    ['{a,b*}/c', 'c/c', false],
    ['x{,y}', 'x', true],
    ['{a\\,b,c}', 'a,b', true],
    ['a,b}', 'a,b}', true],
  ])('%s on %s is %s', (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  // The patterns that AWS documents for Glue, with what its documentation says that each matches.
  it.each([
    ['*.csv', ['a.csv'], ['a.csvx', 'b/a.csv']],
    ['*.*', ['a.csv', '.x'], ['a', 'b/a.csv']],
    ['*.{csv,avro}', ['a.csv', 'a.avro'], ['a.json', 'b/a.csv']],
    ['foo.?', ['foo.c'], ['foo.', 'foo.cc', 'foo./']],
    ['myfolder/*', ['myfolder/mysource'], ['myfolder/mysource/data', 'myfolderx/a']],
    ['myfolder/*/*', ['myfolder/mysource/data'], ['myfolder/mysource', 'myfolder/a/b/c']],
    ['myfolder/**', ['myfolder/mysource/mydata', 'myfolder/mysource/data', 'myfolder/x'], ['myfolder', 'other/x']],
    ['myfolder**', ['myfolder', 'myfolder/mydata.txt', 'myfolder2/x'], ['a/myfolder']],
    ['Market*', ['Market_us', 'Market_fr'], ['market_us', 'x/Market_us']],
  ])('%s matches what AWS says', (pattern, yes, no) => {
    for (const path of yes) expect(`${path} ${matches(pattern, path)}`).toBe(`${path} true`);
    for (const path of no) expect(`${path} ${matches(pattern, path)}`).toBe(`${path} false`);
  });

  const FILES = [
    ...['finance.json', 'market-us.json', 'market-emea.json', 'market-ap.json'].map((name) => `departments/${name}`),
    ...['hr.json', 'john.csv', 'jane.csv', 'juan.txt'].map((name) => `employees/${name}`),
  ];
  it.each([
    ['departments/**', ['employees/hr.json', 'employees/john.csv', 'employees/jane.csv', 'employees/juan.txt']],
    ['departments/market*', FILES.filter((path) => !path.startsWith('departments/market'))],
    ['**.csv', FILES.filter((path) => !path.endsWith('.csv'))],
    ['employees/*.csv', FILES.filter((path) => !path.endsWith('.csv'))],
  ])('leaves out by %s what AWS’s example leaves out', (pattern, kept) => {
    expect(FILES.filter((path) => !matches(pattern, path))).toEqual(kept);
  });

  it('keeps the first seven days of a year by the patterns of AWS’s example', () => {
    const exclude = ['2015/01/{[!0],0[8-9]}**', '2015/0[2-9]/**', '2015/1[0-2]/**'];
    const options = parseObjectOptions({ url: 'file:///lake', exclude }, (url) => url);
    const two = (n: number): string => String(n).padStart(2, '0');
    const days = Array.from({ length: 12 }, (_, m) => Array.from({ length: 31 }, (__, d) => `2015/${two(m + 1)}/${two(d + 1)}`));
    const kept = days.flat().filter((day) => coversObject(options, `file:///lake/${day}/hour=1/x.json`));
    expect(kept).toEqual(Array.from({ length: 7 }, (_, d) => `2015/01/${two(d + 1)}`));
    expect(days.flat().filter((day) => coversObject(options, `file:///lake/${day}/`))).toEqual(kept);
  });

  it.each([
    ['a{b', /without its }/],
    ['a{b,{c,d}}', /within another/],
    ['a[b', /without its ]/],
    ['a[]', /nothing in them/],
    ['a[!]', /nothing in them/],
    ['a[z-a]', /backwards/],
    ['a\\', /makes nothing ordinary/],
  ])('refuses %s', (pattern, message) => {
    expect(() => compileGlob(pattern)).toThrow(message);
    expect(() => parseObjectOptions({ url: 'file:///x', exclude: [pattern] }, (url) => url)).toThrow(message);
  });

  it('takes a pattern full of stars and choices in its stride', () => {
    expect(matches(`${'**a*'.repeat(50)}b`, 'a'.repeat(1_024))).toBe(false);
    expect(matches(`${'{a,a*,**}'.repeat(80)}b`, 'a'.repeat(1_024))).toBe(false);
  });

  it('passes a folder over only if it would leave out all that could be in it', () => {
    const sign = constantFrom('a', 'b', '/', '*', '**', '?', '[!a]', '{a,b/}', '{b**,a}');
    const name = array(constantFrom('a', 'b', '/'), { maxLength: 5 }).map((all) => all.join(''));
    holds(
      property(array(sign, { minLength: 1, maxLength: 6 }), name, name, (signs, folder, below) => {
        const glob = compileGlob(signs.join(''));
        if (glob.matchesAllBelow(`${folder}/`)) expect(glob.matches(`${folder}/${below}`)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(compileGlob('a/*').matchesAllBelow('a/')).toBe(false);
    expect(compileGlob('a/{x,**}').matchesAllBelow('a/')).toBe(false);
    expect(compileGlob('a/**').matchesAllBelow('a/b/')).toBe(true);
  });
});

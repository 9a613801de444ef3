import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../crawlers/glob.ts';

describe('glob', () => {
  it.each([
    ['*.csv', 'a.csv', true],
    ['*.csv', 'dir/a.csv', false],
    ['**/*.csv', 'a.csv', true],
    ['**/*.csv', 'dir/deep/a.csv', true],
    ['**.csv', 'dir/a.csv', true],
    ['tmp', 'tmp', true],
    ['tmp', 'tmp/', true],
    ['tmp/', 'tmp/', true],
    ['tmp/**', 'tmp/', true],
    ['tmp/**', 'tmp2/', false],
    ['a/*/c', 'a/b/c', true],
    ['a/*/c', 'a/b/b/c', false],
    ['a/**/c', 'a/c', true],
    ['a/**/c', 'a/b/b/c', true],
    ['a/**/c', 'a/bc', false],
    ['**/tmp/**', 'a/tmp/b', true],
    ['**/b', 'ab', false],
    ['a*b*c', 'axxbxxc', true],
    ['a*b*c', 'axxbxx', false],
    ['[x].(y)+', '[x].(y)+', true],
    ['**', 'anything/at all', true],
    ['*', '', true],
    ['', '', true],
    ['x', '', false],
  ])('%s on %s is %s', (pattern, path, expected) => {
    expect(matchesGlob(pattern, path)).toBe(expected);
  });

  it('takes a pattern full of stars in its stride', () => {
    expect(matchesGlob(`${'**a*'.repeat(50)}b`, 'a'.repeat(1_024))).toBe(false);
  });
});

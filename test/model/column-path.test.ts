import * as fc from 'fast-check';
import { expect, describe, it } from 'vitest';
import { formatPath, parsePath, type PathStep } from '../../src/model/column-path.ts';
import { columnName } from './arbitraries.ts';

const named = fc.record({ name: columnName, nth: fc.nat(3) });
const path = fc
  .tuple(named, fc.array(fc.oneof(named, fc.constantFrom<PathStep>('element', 'key', 'value'))))
  .map(([first, rest]): PathStep[] => [first, ...rest]);

describe('formatPath', () => {
  it('is read back by parsePath', () => {
    fc.assert(
      fc.property(path, (steps) => {
        expect(parsePath(formatPath(steps))).toEqual(steps);
      }),
      { numRuns: 5_000 },
    );
  });

  it('quotes what is not plain', () => {
    const column = (name: string): PathStep => ({ name, nth: 0 });
    expect(formatPath([column('items'), 'element', column('price')])).toBe('items[].price');
    expect(formatPath([column('a.b'), column('say "hi"')])).toBe('"a.b"."say ""hi"""');
    expect(formatPath([column('tags'), 'value', { name: 'x', nth: 1 }])).toBe('tags{value}.x#2');
  });

  it('refuses what is no path', () => {
    for (const text of ['a b', '"a', 'a.', '.', 'a[1]', '[', 'a"b"']) expect(() => parsePath(text), text).toThrow('not a path');
  });
});

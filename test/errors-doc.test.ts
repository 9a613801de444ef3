import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../src/model/errors.ts';

const rows = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, code = '', status = '', meaning = '', next = '']) => ({ code, status: Number(status), meaning, next }),
);

describe('docs/errors.md', () => {
  it('has the codes of the table, all of them and no others, with their status and what to do', () => {
    const documented = rows.map(({ code, status, next }) => ({ code, status, next }));
    const declared = Object.entries(ERRORS).map(([code, { status, next }]) => ({ code, status, next }));
    expect(documented).toEqual(declared);
  });

  it('is in the order of the alphabet and explains each code', () => {
    const codes = rows.map(({ code }) => code);
    expect(codes).toEqual(codes.toSorted());
    for (const { code, meaning } of rows) expect(meaning.length, code).toBeGreaterThan(20);
  });
});

describe('the table of errors', () => {
  it('has no code that nothing throws', () => {
    const text = ['src', 'crawlers', 'graphql'].flatMap(sources).join('\n');
    const unused = Object.keys(ERRORS).filter((code) => !new RegExp(`['"]${code}['"]`).test(text));
    expect(unused).toEqual([]);
  });
});

function sources(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('model/errors.ts'))
    .map((name) => readFileSync(join(root, name), 'utf8'));
}

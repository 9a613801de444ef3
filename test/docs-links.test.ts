import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

function filesBelow(folder: string, pattern: RegExp): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => pattern.test(name) && !name.includes('node_modules')).map((name) => join(folder, name));
}

const DECISIONS = readdirSync('docs/decisions');

it('leads to what is there, wherever a document or a comment names another', () => {
  const documents = ['README.md', 'CONTRIBUTING.md', ...filesBelow('docs', /\.md$/)];
  const sources = ['src', 'crawlers', 'graphql', 'test', 'bench'].flatMap((folder) => filesBelow(folder, /\.ts$/));
  const lost: string[] = [];
  let found = 0;
  const check = (file: string, what: string, isThere: boolean): void => {
    found += 1;
    if (!isThere) lost.push(`${file}: ${what}`);
  };
  for (const file of documents) {
    for (const [, link = ''] of readFileSync(file, 'utf8').matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g))
      check(file, link, existsSync(join(dirname(file), link)));
  }
  for (const file of [...documents, ...sources]) {
    for (const [, number = ''] of readFileSync(file, 'utf8').matchAll(/docs\/decisions\/(\d{4}(?:-[a-z-]+)?)/g))
      check(
        file,
        number,
        DECISIONS.some((name) => name.startsWith(number)),
      );
  }
  expect(found).toBeGreaterThan(3);
  expect(lost).toEqual([]);
});

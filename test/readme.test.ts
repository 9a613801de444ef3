import { existsSync, readFileSync } from 'node:fs';
import { parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from '../graphql/schema.ts';
import { tenon } from './e2e/command.ts';

const README = readFileSync('README.md', 'utf8');

/** The fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text);
}

/** Every `npx tenon …` in the README, without comments, as words. */
const COMMANDS = blocks('sh')
  .flatMap((block) => block.split('\n'))
  .concat([...README.matchAll(/`(?:npx )?(tenon [a-z][^`]*)`/g)].map(([, text = '']) => text))
  .map((line) => line.replace(/\s#.*$/, '').trim())
  .flatMap((line) => /(?:^|\s)(?:npx )?tenon ([a-z].*)$/.exec(line)?.[1] ?? []);

describe('the README', () => {
  it('has queries that the schema takes', () => {
    const queries = blocks('graphql');
    expect(queries.length).toBeGreaterThan(2);
    for (const query of queries) expect(validate(schema, parse(query)), query).toEqual([]);
  });

  it('has two commands that package.json knows', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    expect(README).toMatch(/^npm ci && npm run demo/m);
    expect(README).toMatch(/^npm cit/m);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['demo', 'test', 'check', 'bench']));
  });

  it('names only files that are there', () => {
    const named = [...README.matchAll(/`((?:docs|src|graphql|test)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  it.each([...new Set(COMMANDS)])('has a command that is there, with its options: tenon %s', async (line) => {
    const [command = '', next = ''] = line.split(' ');
    const known = ['job', 'run', 'connection', 'token', 'removals', 'classifier'].includes(command) ? [command, next] : [command];
    const help = await tenon([...known, '--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain(`Usage: tenon ${known.join(' ')}`);
    for (const [option] of line.matchAll(/(?<=\s)--[a-z-]+/g)) expect(help.stdout).toContain(option);
  });
});

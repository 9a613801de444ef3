import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileCrawler } from '../../crawlers/file.ts';
import { loadConfig } from '../../src/config.ts';
import { loadPlugins } from '../../src/crawl/plugins.ts';
import { asTenonError } from '../../src/model/errors.ts';

const crawler = (kind: string) =>
  `{ kind: ${JSON.stringify(kind)}, parse: (raw) => raw, fromUrl: () => undefined, scope: () => '', covers: () => false, async *crawl() {} }`;

describe('crawlers of other packages', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tenon-plugins-'));
    mkdirSync(join(folder, 'data'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function put(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const load = (...names: string[]) => loadPlugins(names, [fileCrawler], [join(folder, 'data'), folder]);
  const kinds = async (...names: string[]) => (await load(...names)).map(({ kind }) => kind);

  it('are found as packages above the data directory, as files, and by an absolute path', async () => {
    put('node_modules/tenon-crawler-a/package.json', '{"type":"module","exports":{"import":"./lib/a.js"}}');
    put('node_modules/tenon-crawler-a/lib/a.js', `export const crawler = ${crawler('aa')};`);
    put('node_modules/@scope/b/package.json', '{"type":"module","main":"b.js"}');
    put('node_modules/@scope/b/b.js', `export const crawlers = [${crawler('b1')}, ${crawler('b2')}];`);
    put('data/mine.mjs', `export const crawler = ${crawler('mine')};`);
    put('here.mjs', `export const crawler = ${crawler('here')};`);
    expect(await kinds('tenon-crawler-a', '@scope/b', './mine.mjs', './here.mjs')).toEqual(['aa', 'b1', 'b2', 'mine', 'here']);
    expect(await kinds(join(folder, 'here.mjs'))).toEqual(['here']);
    expect(await kinds()).toEqual([]);
  });

  it('that cannot be had are all named at once, each with its reason', async () => {
    put('none.mjs', 'export const somethingElse = 1;');
    put('file.mjs', `export const crawler = ${crawler('file')};`);
    put('shouting.mjs', `export const crawler = ${crawler('LOUD!')};`);
    put('half.mjs', "export const crawler = { kind: 'half', parse: () => ({}) };");
    put('broken.mjs', "throw new Error('No licence.');");
    put('number.mjs', 'export const crawler = 7;');
    put('once.mjs', `export const crawler = ${crawler('once')};`);
    put('again.mjs', `export const crawler = ${crawler('once')};`);
    const names = [
      'tenon-crawler-missing',
      './none.mjs',
      './file.mjs',
      './shouting.mjs',
      './half.mjs',
      './broken.mjs',
      './number.mjs',
      './once.mjs',
      './again.mjs',
    ];
    const error = await load(...names).catch((thrown: unknown) => asTenonError(thrown));
    expect(error).toMatchObject({ code: 'BAD_CONFIG' });
    expect(error).toHaveProperty('details.mistakes', [
      expect.stringMatching(/^crawlers: «tenon-crawler-missing»: it was not found from /),
      'crawlers: «./none.mjs»: it exports neither «crawler» nor «crawlers»',
      'crawlers: «./file.mjs»: its kind «file» is there already',
      'crawlers: «./shouting.mjs»: its kind is not made of a-z, 0-9 and -',
      'crawlers: «./half.mjs»: its crawler «half» lacks the functions fromUrl, scope, covers, crawl',
      'crawlers: «./broken.mjs»: No licence.',
      'crawlers: «./number.mjs»: what it exports as a crawler is no object',
      'crawlers: «./again.mjs»: its kind «once» is there already',
    ]);
  });

  it('are named in tenon.yaml or by a variable', () => {
    put('data/tenon.yaml', 'crawlers: [tenon-crawler-a, ./mine.js]');
    const dataDir = join(folder, 'data');
    expect(loadConfig({ dataDir, env: {} }).crawlers).toEqual(['tenon-crawler-a', './mine.js']);
    expect(loadConfig({ dataDir, env: { TENON_CRAWLERS: 'x, ./y.js' } }).crawlers).toEqual(['x', './y.js']);
    expect(loadConfig({ dataDir: folder, env: {} }).crawlers).toEqual([]);
  });

  it('may throw errors of a copy of Tenon of their own', () => {
    const foreign = Object.assign(new Error('No.'), { name: 'TenonError', code: 'SOURCE_DENIED' });
    expect(asTenonError(foreign)).toMatchObject({ code: 'SOURCE_DENIED', message: 'No.' });
    expect(asTenonError(Object.assign(foreign, { code: 'toString' }))).toMatchObject({ code: 'INTERNAL' });
  });
});

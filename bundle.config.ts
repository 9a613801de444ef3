import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/**
 * Puts the program and the libraries that it loads into a few files, `dist/bin/`: of the second that a command took to start,
 * half went into finding and reading 2,000 small ones. `dist/src/` stays what is bundled, and what its child processes,
 * plug-ins and tests import. Run by `npm run build`, after tsc.
 */
const OUT = resolve('dist', 'bin');

/** Modules that there may be only one of, whoever imports them: errors are told apart by their class, faults by their list. */
const SHARED = /\/model\/(errors|reached)\.js$/;

const ours: Plugin = {
  name: 'ours',
  setup(at) {
    at.onResolve({ filter: SHARED }, ({ path, resolveDir }) => {
      const shared = relative(OUT, resolve(resolveDir, path));
      return { path: shared.replaceAll('\\', '/'), external: true };
    });
    // A file that looks for its neighbours (a child process, a page) looks from where it was, not from the bundle.
    at.onLoad({ filter: /[\\/]dist[\\/](src|crawlers|graphql)[\\/].*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const here = JSON.stringify(relative(OUT, path).replaceAll('\\', '/'));
      return { contents: text.replaceAll('import.meta.url', `new URL(${here}, import.meta.url).href`), loader: 'js' };
    });
  },
};

/** CommonJS libraries in an ES module ask for what only CommonJS has. */
const BANNER = `import { createRequire as requireOf } from 'node:module';
import { fileURLToPath as pathOf } from 'node:url';
import { dirname as folderOf } from 'node:path';
const require = requireOf(import.meta.url), __filename = pathOf(import.meta.url), __dirname = folderOf(__filename);`;

rmSync(OUT, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ['dist/src/main.js'],
  outdir: OUT,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // Not loaded at the start: the engine, which has a binary of its own, and the drivers of sources. And what `pg` can do without.
  external: ['@duckdb/*', '@aws-sdk/*', '@smithy/*', 'mysql2', 'mysql2/*', 'pg-native'],
  banner: { js: BANNER },
  legalComments: 'none',
  plugins: [ours],
  logLevel: 'warning',
  metafile: true,
});
writeFileSync(join(OUT, 'LICENSES.txt'), licencesOf(metafile));

/** The bundle contains others' code, so their licences go with it. */
function licencesOf({ inputs }: Metafile): string {
  const folders = new Set(Object.keys(inputs).flatMap((file) => packageFolder(file) ?? []));
  const packagesOf = new Map<string, string[]>();
  for (const folder of [...folders].toSorted()) {
    const text = licenceText(folder);
    packagesOf.set(text, [...(packagesOf.get(text) ?? []), packageName(folder)]);
  }
  return [...packagesOf].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`).join(`\n${'-'.repeat(80)}\n`);
}

function packageFolder(file: string): string | undefined {
  for (let folder = dirname(file); folder.includes('node_modules'); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    // Some packages have further ones inside, without a name, that only say which kind of module a folder holds.
    if (existsSync(manifest) && typeof readJson(manifest)['version'] === 'string') return folder;
  }
  return undefined;
}

function packageName(folder: string): string {
  const { name, version, license } = readJson(join(folder, 'package.json'));
  return `${name} ${version}: ${license}`;
}

function licenceText(folder: string): string {
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return file === undefined ? '(no text in the package)' : readFileSync(join(folder, file), 'utf8').trim();
}

function readJson(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

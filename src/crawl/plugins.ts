import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TenonError } from '../model/errors.ts';
import type { Crawler } from './crawler.ts';

const FUNCTIONS = ['parse', 'fromUrl', 'scope', 'covers', 'crawl'] as const;

/**
 * Loads the crawlers that the configuration names: packages in the `node_modules` of a folder or above it, or files. Folders
 * are tried in their order. Throws BAD_CONFIG with all mistakes in `details.mistakes`: an unknown package, a module that throws,
 * an export that is no crawler, and a kind that is there already.
 */
export async function loadPlugins(
  names: readonly string[],
  known: readonly Crawler[],
  folders: readonly string[],
): Promise<Crawler[]> {
  const mistakes: string[] = [];
  const loaded: Crawler[] = [];
  for (const name of names) {
    try {
      for (const crawler of crawlersOf(await importFrom(name, folders))) {
        if ([...known, ...loaded].some(({ kind }) => kind === crawler.kind))
          throw new Error(`its kind «${crawler.kind}» is there already`);
        loaded.push(crawler);
      }
    } catch (error) {
      mistakes.push(`crawlers: «${name.slice(0, 200)}»: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (mistakes.length === 0) return loaded;
  throw new TenonError('BAD_CONFIG', `Not every crawler could be loaded: ${mistakes.join('; ')}.`, { mistakes });
}

async function importFrom(name: string, folders: readonly string[]): Promise<Record<string, unknown>> {
  for (const folder of folders) {
    const file = resolveIn(resolve(folder), name);
    if (file !== undefined) return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  }
  throw new Error(`it was not found from ${folders.map((folder) => resolve(folder)).join(' or ')}`);
}

function resolveIn(folder: string, name: string): string | undefined {
  if (isAbsolute(name) || /^\.{1,2}[\\/]/.test(name)) {
    const file = resolve(folder, name);
    return existsSync(file) ? file : undefined;
  }
  try {
    return createRequire(join(folder, 'from.js')).resolve(name);
  } catch {
    // Node resolves for `require` here; a package may be there for `import` alone.
    return entryOf(folder, name);
  }
}

function entryOf(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const home = join(folder, 'node_modules', name);
    const manifest = join(home, 'package.json');
    if (existsSync(manifest)) {
      const { exports: all, main } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports?: unknown; main?: unknown };
      const entry = importEntry(all) ?? (typeof main === 'string' ? main : 'index.js');
      return join(home, entry);
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function importEntry(exported: unknown): string | undefined {
  if (typeof exported === 'string') return exported;
  if (typeof exported !== 'object' || exported === null) return undefined;
  const conditions = exported as Record<string, unknown>;
  return importEntry(conditions['.']) ?? importEntry(conditions['import']) ?? importEntry(conditions['default']);
}

function crawlersOf(module: Record<string, unknown>): Crawler[] {
  const given = module['crawlers'] ?? (module['crawler'] === undefined ? undefined : [module['crawler']]);
  if (!Array.isArray(given) || given.length === 0) throw new Error('it exports neither «crawler» nor «crawlers»');
  return given.map(checkCrawler);
}

function checkCrawler(given: unknown): Crawler {
  if (typeof given !== 'object' || given === null) throw new Error('what it exports as a crawler is no object');
  const made = given as Record<string, unknown>;
  const { kind } = made;
  if (typeof kind !== 'string' || !/^[a-z][a-z0-9-]{0,39}$/.test(kind)) throw new Error('its kind is not made of a-z, 0-9 and -');
  const missing = FUNCTIONS.filter((one) => typeof made[one] !== 'function');
  if (missing.length > 0) throw new Error(`its crawler «${kind}» lacks the functions ${missing.join(', ')}`);
  return given as Crawler;
}

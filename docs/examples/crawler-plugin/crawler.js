import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseType, TenonError } from 'tenon/crawler';
import { typeOf } from './types.js';

const END = '.schema.json';

/**
 * A folder of JSON Schemas; each `orders.schema.json` is a table `orders`. `tenon crawl json-schema:///folder`.
 *
 * @type {import('tenon/crawler').Crawler<{ folder: string }>}
 */
export const crawler = {
  kind: 'json-schema',

  // Every mistake at once, and without a look at the source.
  parse(raw) {
    const { folder, ...rest } = /** @type {Record<string, unknown>} */ (raw ?? {});
    const mistakes = Object.keys(rest).map((name) => `${name} is no option`);
    if (typeof folder !== 'string' || !folder.startsWith('/')) mistakes.push('folder: must be an absolute path');
    if (mistakes.length > 0)
      throw new TenonError('BAD_INPUT', `The crawler’s options are not right. ${mistakes.join('; ')}.`, { mistakes });
    return { folder: String(folder).replace(/(?<=.)\/+$/, '') };
  },

  fromUrl(url) {
    return url.protocol === 'json-schema:' ? { options: { folder: fileURLToPath(`file://${url.pathname}`) } } : undefined;
  },

  scope: ({ folder }) => addressOf(folder),

  // Only what the definition covers can be found missing.
  covers: ({ folder }, location) => location.startsWith(`${addressOf(folder)}/`),

  async *crawl({ folder }, context) {
    const { signal, cursor = '' } = context;
    signal.throwIfAborted();
    const names = await listNames(folder, context);
    let last = cursor;
    for (const name of names.filter((one) => one > cursor)) {
      yield await findingOf(folder, name, context);
      // Whoever stopped us gets nothing more, least of all «complete».
      signal.throwIfAborted();
      last = name;
      yield { kind: 'checkpoint', cursor: last, complete: false };
      signal.throwIfAborted();
    }
    yield { kind: 'checkpoint', cursor: last, complete: true };
  },
};

/** What cannot be listed at all ends the crawl: nothing is known to be gone then. */
async function listNames(folder, { spend }) {
  try {
    const entries = await readdir(folder);
    spend({ lists: 1 });
    return entries
      .filter((entry) => entry.endsWith(END))
      .map((entry) => entry.slice(0, -END.length))
      .sort();
  } catch (error) {
    throw unavailable(folder, error);
  }
}

/** A schema that is there but cannot be read is unknown, never absent. A folder that is gone is another thing. */
async function findingOf(folder, name, { spend }) {
  try {
    const text = await readFile(join(folder, name + END), 'utf8');
    spend({ gets: 1, bytes: Buffer.byteLength(text) });
    return tableOf(folder, name, JSON.parse(text));
  } catch (error) {
    await stat(folder).catch((gone) => {
      throw unavailable(folder, gone);
    });
    return {
      kind: 'unknown',
      path: name,
      error: new TenonError('DATA_UNREADABLE', `The schema «${name}» cannot be read.`, { name }, { cause: error }),
    };
  }
}

function tableOf(folder, name, schema) {
  const required = new Set(schema.required ?? []);
  return {
    kind: 'table',
    name,
    type: 'table',
    location: `${addressOf(folder)}/${encodeURIComponent(name)}`,
    format: { name: 'json-schema' },
    columns: Object.entries(schema.properties ?? {}).map(([column, property]) => ({
      name: column,
      type: parseType(typeOf(property)),
      ...(required.has(column) && { nullable: false }),
      ...(typeof property.description === 'string' && { comment: property.description }),
    })),
    ...(typeof schema.description === 'string' && { comment: schema.description }),
  };
}

function addressOf(folder) {
  return pathToFileURL(folder).href.replace(/^file:/, 'json-schema:');
}

function unavailable(folder, cause) {
  return new TenonError(
    'SOURCE_UNAVAILABLE',
    `The folder ${folder} cannot be read (${cause.code ?? 'unknown error'}).`,
    { folder },
    { cause },
  );
}

import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TenonError } from '../../model/errors.ts';
import type { FileGroup, Input, InputFile } from '../engine.ts';
import { keyFolder, type LaidGroup, type LaidInput } from './duckdb-views.ts';

/** A folder name is at most 255 bytes; what is longer cannot be laid out. */
const MAX_FOLDER_BYTES = 255;
const LINKS_AT_ONCE = 200;
const NULL_PARTITION = '__HIVE_DEFAULT_PARTITION__';

export interface Links {
  readonly inputs: readonly LaidInput[];
  /** The files that the links lead to in the end. */
  readonly files: readonly string[];
  /** Puts the files' own addresses into a message that names links. */
  explain(message: string): string;
  /** The address of the first link that a message names. */
  addressIn(message: string): string | undefined;
}

/**
 * Lays links to the files of a plan below `folder`, in Hive's way: `<input>/<group>/key0=2026-01-01/key1=eu/f17`. So one
 * pattern reads thousands of files, DuckDB takes the partition values from the catalog and not from the source's paths,
 * and a condition on a key skips files. No byte is copied, and no name from outside reaches a pattern.
 */
export async function layLinks(folder: string, inputs: readonly Input[]): Promise<Links> {
  const links: Link[] = [];
  const laid: LaidInput[] = [];
  for (const [at, input] of inputs.entries()) {
    const groups: LaidGroup[] = [];
    for (const [n, group] of input.groups.entries()) {
      if (group.files.length === 0) continue;
      groups.push(await layGroup(join(folder, String(at), String(n)), group, input.keys, links));
    }
    laid.push({ ...input, groups });
  }
  const pattern = new RegExp(`${escaped(folder)}/[^\\s"']*/f(\\d+)(?:\\.[a-z]+)?`, 'g');
  const address = (index: string | undefined): string => links[Number(index)]?.address ?? 'an input';
  return {
    inputs: laid,
    files: links.map((link) => link.file),
    explain: (message) => message.replace(pattern, (_, index: string) => address(index)),
    addressIn(message) {
      const match = new RegExp(pattern.source).exec(message);
      return match === null ? undefined : address(match[1]);
    },
  };
}

interface Link {
  readonly address: string;
  readonly file: string;
}

/** Synchronous calls are several times faster for many small things; a pause now and then lets others have their turn. */
async function layGroup(folder: string, group: FileGroup, keys: number, links: Link[]): Promise<LaidGroup> {
  const made = new Set<string>();
  mkdirSync(folder, { recursive: true });
  for (const file of group.files) {
    if (links.length % LINKS_AT_ONCE === LINKS_AT_ONCE - 1) await setImmediate();
    const at = join(folder, ...file.values.map((value, index) => `${keyFolder(index)}=${folderValue(value, file)}`));
    if (!made.has(at)) {
      mkdirSync(at, { recursive: true });
      made.add(at);
    }
    const target = realPath(file);
    symlinkSync(target, join(at, `f${links.length}`));
    links.push({ address: file.address, file: target });
  }
  return {
    format: group.format,
    columns: group.columns,
    pattern: join(folder, ...Array.from({ length: keys }, () => '*'), 'f*'),
    files: group.files.length,
  };
}

/**
 * All but plain letters and digits is percent-encoded, and so is the first character: DuckDB takes a bare `NULL` for
 * null, and an encoded one for text.
 */
function folderValue(value: string | null, file: InputFile): string {
  if (value === null) return NULL_PARTITION;
  const bytes = [...Buffer.from(value)];
  const encoded = bytes
    .map((byte, index) =>
      index > 0 && isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
  if (encoded.length + 20 <= MAX_FOLDER_BYTES) return encoded;
  throw new TenonError('LIMIT', `A partition value of ${file.address} is longer than a folder's name may be.`, {
    file: file.address,
  });
}

function isPlain(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x5f
  );
}

function realPath(file: InputFile): string {
  try {
    return realpathSync(file.path);
  } catch (cause) {
    throw new TenonError('DATA_UNREADABLE', `${file.address} is not there any more.`, { file: file.address }, { cause });
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

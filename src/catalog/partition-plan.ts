import { isDeepStrictEqual } from 'node:util';
import { TenonError } from '../model/errors.ts';
import { orderedKeys, partitionText } from '../model/partition-key.ts';
import { schemaHash, type Column, type Schema } from '../model/schema.ts';
import type { PartitionDraft, Table } from '../model/table.ts';
import type { PartitionRow } from './partition-rows.ts';
import { checkTexts } from './text.ts';

/** A draft as it is to be compared and written. */
export interface Prepared {
  readonly draft: PartitionDraft;
  readonly key: string[];
  readonly text: string;
  readonly schema: { readonly hash: string; readonly content: Schema } | undefined;
}

/** An index row of Postgres holds 2,704 bytes; the table's id and the lengths are in it too. */
const MAX_KEYS_BYTES = 2_400;

/** Checks values and turns them into keys, one draft after the other. Throws BAD_INPUT or LIMIT. */
export function preparation(table: Table): (draft: PartitionDraft) => Prepared {
  const keys = table.schema.partitionKeys;
  const schemas = new Map<readonly Column[], Prepared['schema']>();
  const seen = new Set<string>();
  return (draft) => {
    const key = orderedKeys(draft.values, keys);
    const text = partitionText(keys, draft.values);
    checkTexts([draft.location, draft.format, draft.stats], `partition ${text}`);
    checkKey(key, text);
    if (seen.size === seen.add(key.join('\0')).size) {
      throw new TenonError('BAD_INPUT', `The partition «${text}» of ${table.database}.${table.name} comes twice.`, {
        partition: text,
      });
    }
    return { draft, key, text, schema: schemaOf(draft, schemas) };
  };
}

function checkKey(key: readonly string[], text: string): void {
  const bytes = key.reduce((sum, part) => sum + Buffer.byteLength(part) + 8, 0);
  if (bytes <= MAX_KEYS_BYTES) return;
  const message = `The values of the partition «${text.slice(0, 200)}…» take ${bytes} bytes together; ${MAX_KEYS_BYTES} are allowed.`;
  throw new TenonError('LIMIT', message, { bytes, limit: MAX_KEYS_BYTES });
}

/** Many drafts share one list of columns: it is hashed once. */
function schemaOf({ columns }: PartitionDraft, known: Map<readonly Column[], Prepared['schema']>): Prepared['schema'] {
  if (columns === undefined) return undefined;
  const found = known.get(columns);
  if (found !== undefined) return found;
  const content = { columns, partitionKeys: [] };
  checkTexts(columns, 'columns of a partition');
  const made = { hash: schemaHash(content), content };
  known.set(columns, made);
  return made;
}

/** Whether there is nothing to write. */
export function isSame({ draft, schema }: Prepared, before: PartitionRow): boolean {
  return (
    draft.manifest.hash === before.manifestHash &&
    draft.location === before.location &&
    (schema === undefined || schema.hash === before.schemaHash) &&
    (draft.inherits !== true || before.schemaHash === null) &&
    (draft.rows === undefined || draft.rows === before.rows) &&
    (draft.stats === undefined || isDeepStrictEqual(draft.stats, before.stats)) &&
    isDeepStrictEqual(plain(draft.format), before.format)
  );
}

/** As it comes back from the database. */
function plain(data: unknown): unknown {
  return data === undefined ? null : JSON.parse(JSON.stringify(data));
}

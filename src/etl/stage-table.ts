import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { randomUUID } from 'node:crypto';
import { fileError } from '../connections/file-errors.ts';
import { TenonError } from '../model/errors.ts';
import { quoteIdentifier } from '../model/names.ts';
import type { Column, Format } from '../model/schema.ts';
import type { Table } from '../model/table.ts';
import type { FileGroup } from './engine.ts';
import { copyMysql } from './stage-mysql.ts';
import { stageFiles, type PartitionInput, type Staging } from './inputs.ts';

/** What Postgres writes, and we write of what MySQL has, with `format csv`: null is nothing at all, and an empty text is a pair of quotes. */
const COPIED: Format = {
  name: 'csv',
  options: { delimiter: ',', quote: '"', escape: '"', header: false, encoding: 'utf-8', quotedNulls: false },
};

/** A table that a database holds: it has no files, and so neither partitions nor a bookmark. */
export function isInDatabase(table: Table): boolean {
  return ['postgres', 'mysql', 'redshift'].includes(table.format?.name ?? '');
}

/** Brings a table's rows to where the engine can read them: its files, or a copy of what a database gives. */
export async function stageTable(
  table: Table,
  partitions: () => Promise<readonly PartitionInput[]>,
  staging: Staging,
): Promise<FileGroup[]> {
  return isInDatabase(table) ? [await copyTable(table, staging)] : stageFiles(table, await partitions(), staging);
}

async function copyTable(table: Table, staging: Staging): Promise<FileGroup> {
  const { folder, signal } = staging;
  if (table.format?.name === 'redshift')
    throw new TenonError(
      'UNSUPPORTED',
      `${table.database}.${table.name} is in Redshift, which copies to S3 only; UNLOAD it, and crawl that.`,
    );
  const { columns } = table.schema;
  const stream =
    table.format?.name === 'mysql' ? await copyMysql(table, serverOf(table), staging) : await copyPostgres(table, staging);
  const path = join(folder, `copy-${randomUUID()}.csv`);
  try {
    await pipeline(stream, createWriteStream(path), { ...(signal !== undefined && { signal }) });
  } catch (error) {
    throw error instanceof TenonError ? error : fileError(error, path);
  }
  const address = table.location ?? `${table.database}.${table.name}`;
  return { format: COPIED, columns: columns.map(({ name }) => name), files: [{ address, path, values: [] }] };
}

async function copyPostgres(table: Table, { connections, signal }: Staging): Promise<Readable> {
  const source = await connections.postgres(table.connection, serverOf(table));
  const options = table.format?.options ?? {};
  const from = `${quoteIdentifier(String(options['schema']))}.${quoteIdentifier(String(options['table']))}`;
  return source.copyOut(
    `copy (select ${table.schema.columns.map(columnText).join(', ')} from ${from}) to stdout with (format csv)`,
    signal,
  );
}

/** A column as the engine reads it from text: nested values as JSON, bytes each as `\xAB`. */
function columnText({ name, type }: Column): string {
  const quoted = quoteIdentifier(name);
  if (type.kind === 'array' || type.kind === 'map' || type.kind === 'struct') return `to_json(${quoted})::text`;
  if (type.kind === 'binary') return `regexp_replace(encode(${quoted}, 'hex'), '(..)', '\\x\\1', 'g')`;
  return quoted;
}

/** `postgres://host:5432/database/schema/table`. */
function serverOf(table: Table): { host?: string; port?: number; database?: string } {
  if (table.location === undefined) return {};
  const url = new URL(table.location);
  const database = decodeURIComponent(url.pathname.split('/')[1] ?? '');
  const host = decodeURIComponent(url.hostname.replace(/^\[|\]$/g, ''));
  return {
    ...(host !== '' && { host }),
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(database !== '' && { database }),
  };
}

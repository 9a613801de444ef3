import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import { TenonError } from '../model/errors.ts';
import { quoteIdentifier } from '../model/names.ts';
import { damaged, decode, FORMAT_VERSION, type Frame, type Header } from './backup-format.ts';
import { inTransaction, withMigrationLock } from './migrate.ts';
import { applyMigrations, dropSchema, newestAge, qualified, readAge, relationsAt } from './migrations.ts';

/** What the first start of a new catalog writes by itself; a restore replaces it. All other tables must be empty. */
const WRITTEN_AT_START: readonly string[] = ['principals', 'tokens', 'changes', 'followers', 'search_documents', 'search_terms'];

/**
 * Reads what `backup` wrote into a database that has no catalog yet, in one transaction: either all of it is there
 * afterwards, or nothing has changed. A backup of an older program is migrated on the way. Principals and tokens become
 * those of the backup. Call it as the owner of the database (see own.ts), with nothing else open on it.
 *
 * Throws ALREADY_EXISTS when there is a catalog, DATABASE_TOO_NEW when a newer program wrote the backup, DATA_UNREADABLE
 * when the file is truncated, damaged or something else, DISK_FULL.
 */
export async function restore(url: string, input: Readable): Promise<{ tables: number; rows: number }> {
  return withMigrationLock(url, async (client) => {
    const counts = await inTransaction(client, async () => {
      await checkEmpty(client);
      return readBack(client, decode(unzip(input)));
    }).catch((error: unknown) => Promise.reject(inOurWords(error)));
    await client.query('analyze');
    return counts;
  });
}

async function checkEmpty(client: pg.ClientBase): Promise<void> {
  const age = await readAge(client);
  if (age === 0) return;
  for (const table of relationsAt(age).tables) {
    if (WRITTEN_AT_START.includes(table)) continue;
    const { rowCount } = await client.query(`select from ${qualified(table)} limit 1`);
    if (rowCount === 0) continue;
    throw new TenonError(
      'ALREADY_EXISTS',
      `There is a catalog here already: ${table} has rows. Restore into a new data directory or an empty database.`,
      { table },
    );
  }
}

async function readBack(client: pg.ClientBase, frames: AsyncGenerator<Frame>): Promise<{ tables: number; rows: number }> {
  const counts = { tables: 0, rows: 0 };
  const { migration } = await readHeader(frames);
  await dropSchema(client);
  await applyMigrations(client, migration);
  const { tables } = relationsAt(migration);
  for await (const frame of frames) {
    if (frame.kind === 'T' && tables.includes(frame.value.table)) {
      counts.rows += await readTable(client, frame.value, frames);
      counts.tables++;
    } else if (frame.kind === 'S') {
      await setSequences(client, frame.value);
    } else {
      throw damaged('its parts are not in order');
    }
  }
  if (counts.tables !== tables.length) throw damaged('tables are missing');
  await applyMigrations(client, newestAge());
  return counts;
}

async function readHeader(frames: AsyncGenerator<Frame>): Promise<Header> {
  const { value: frame } = (await frames.next()) as { value: Frame | undefined };
  if (frame?.kind !== 'H' || frame.value.format !== 'tenon-backup') throw damaged('it begins with something else');
  const header = frame.value;
  if (header.formatVersion > FORMAT_VERSION || header.migration > newestAge()) {
    throw new TenonError('DATABASE_TOO_NEW', `Tenon ${header.tenon} wrote this backup; this program is older.`, {
      tenon: header.tenon,
    });
  }
  return header;
}

async function readTable(
  client: pg.ClientBase,
  what: { table: string; columns: readonly string[] },
  frames: AsyncGenerator<Frame>,
): Promise<number> {
  const copy = client.query(from(`copy ${qualified(what.table)} (${what.columns.map(quoteIdentifier).join(', ')}) from stdin`));
  const done = finished(copy);
  // Whoever waits for it hears it then.
  done.catch(() => {});
  // The stream has no connection any more after that, and must not be touched.
  let refused: { readonly error: unknown } | undefined;
  copy.on('error', (error) => {
    refused = { error };
  });
  try {
    for (;;) {
      const { value: frame } = (await frames.next()) as { value: Frame | undefined };
      if (refused !== undefined) throw refused.error;
      if (frame?.kind === 'E') {
        copy.end();
        await done;
        if (copy.rowCount !== frame.value.rows)
          throw damaged(`${what.table} has ${copy.rowCount} rows and should have ${frame.value.rows}`);
        return copy.rowCount;
      }
      if (frame?.kind !== 'D') throw damaged('its parts are not in order');
      await write(copy, frame.value, done);
    }
  } catch (error) {
    if (refused === undefined) copy.destroy(new Error('given up'));
    await done.catch(() => {});
    throw error;
  }
}

async function write(copy: Writable, chunk: Buffer, done: Promise<void>): Promise<void> {
  if (!copy.write(chunk)) await Promise.race([once(copy, 'drain'), done]);
}

async function setSequences(client: pg.ClientBase, sequences: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, last] of Object.entries(sequences))
    await client.query('select setval($1::regclass, $2::bigint)', [qualified(name), last]);
}

async function* unzip(input: Readable): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  input.on('error', (error) => gunzip.destroy(error));
  try {
    yield* input.pipe(gunzip) as AsyncIterable<Buffer>;
  } finally {
    input.destroy();
  }
}

/** SQLSTATE classes 22 and 23: a damaged byte shows in a row before the checksum at the end can. */
const BAD_ROW = /^2[23]\w{3}$/;
const DISK_FULL = '53100';

function inOurWords(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof TenonError) return error;
  if (code.startsWith('Z_')) return damaged(code === 'Z_BUF_ERROR' ? 'its end is missing' : 'it cannot be unpacked', error);
  if (BAD_ROW.test(code) && error instanceof Error) return damaged(`the database refuses a row: ${error.message}`, error);
  if (code === DISK_FULL)
    return new TenonError('DISK_FULL', 'There is no space left to restore the backup.', {}, { cause: error });
  return error;
}

import { open, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { TenonError } from '../model/errors.ts';
import type { Perform } from './command.ts';
import { sizeText } from './output.ts';

export function addBackup(program: Command, perform: Perform): void {
  program
    .command('backup')
    .summary('write the whole catalog into one file')
    .argument('<file>', 'it appears when it is whole')
    .addHelpText(
      'after',
      '\nExample:\n  tenon backup catalog.backup\n\nThe key that opens the secrets of connections is not in it: keep <data>/secret-key apart.',
    )
    .action(async (file: string, _options, self: Command) => {
      await perform(self, async (client) => {
        const bytes = await writeWhole(file, await client.download('/backup'));
        return { json: { backup: { file, bytes } }, text: `Wrote ${file}, ${sizeText(bytes)}.` };
      });
    });
}

/** Beside its final name until it is whole and on the disk, so that a broken backup is never taken for one. */
async function writeWhole(file: string, body: NodeJS.ReadableStream): Promise<number> {
  const coming = `${file}.${process.pid}.part`;
  try {
    const handle = await open(coming, 'wx', 0o600);
    await pipeline(body, handle.createWriteStream({ flush: true }));
    const { size } = await stat(coming);
    await rename(coming, file);
    return size;
  } catch (cause) {
    await rm(coming, { force: true });
    throw fileError(file, cause);
  }
}

/** What the file system says, in our words. */
export function fileError(file: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (cause instanceof TenonError || code === undefined) return cause;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new TenonError('DISK_FULL', `There is no space left for ${file}.`, { file }, { cause });
  if (code.startsWith('ERR_STREAM') || code === 'ECONNRESET')
    return new TenonError('SOURCE_UNAVAILABLE', 'The backup broke off; nothing was written.', {}, { cause });
  return new TenonError('BAD_INPUT', `${file} cannot be used: ${code}.`, { file }, { cause });
}

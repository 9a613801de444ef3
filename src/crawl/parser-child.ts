import { TenonError } from '../model/errors.ts';
import type { ByteSource } from './classifier.ts';
import { classify } from './classify.ts';
import { checkpointActions } from './delta-checkpoint.ts';
import type { FromParser, ToParser } from './parser-protocol.ts';

/**
 * The process that looks at files which nobody has vouched for. It opens no file and no connection, and has no secret: it
 * asks its parent for bytes and answers with columns. Its parent kills it when a file takes too long, and its heap is
 * limited by the flag it was started with.
 */

/** Memory that one file leaves behind, in pieces, is not to be added to what the next one takes. */
const WORN_BYTES = 128 * 1024 * 1024;

let onBytes: ((message: ToParser) => void) | undefined;

process.on('message', (message: ToParser) => {
  if (message.kind === 'classify') void answer(message);
  else if (message.kind === 'checkpoint') void answerActions(message);
  else onBytes?.(message);
});
process.on('disconnect', () => process.exit(0));
// A library may let go of what it fails with. Whoever asked hears the first failure.
process.on('unhandledRejection', () => undefined);
send({ kind: 'ready' });

async function answer({ path, size, limits, custom }: ToParser & { kind: 'classify' }): Promise<void> {
  try {
    const found = await classify(askingSource(path, size), limits, custom);
    if (found === undefined) return answerWith({ kind: 'found', found, again: false });
    const { as, ...plain } = found;
    answerWith({ kind: 'found', found: plain, again: as !== undefined });
  } catch (error) {
    const known = error instanceof TenonError ? error : new TenonError('DATA_UNREADABLE', `${path} cannot be read.`, { path });
    answerWith({ kind: 'failed', code: known.code, message: known.message, details: known.details });
  }
}

async function answerActions({ path, size }: ToParser & { kind: 'checkpoint' }): Promise<void> {
  try {
    answerWith({ kind: 'actions', actions: await checkpointActions(await askingSource(path, size).read(0, size)) });
  } catch {
    answerWith({ kind: 'failed', code: 'DATA_UNREADABLE', message: `${path} is a broken checkpoint.`, details: { path } });
  }
}

function askingSource(path: string, size: number): ByteSource {
  return {
    path,
    size,
    read: (start, end) =>
      new Promise((resolve, reject) => {
        onBytes = (message) => {
          if (message.kind === 'bytes') resolve(message.bytes);
          else reject(new TenonError('SOURCE_UNAVAILABLE', `${path} could not be read.`));
        };
        send({ kind: 'read', start, end });
      }),
  };
}

function answerWith(message: FromParser): void {
  if (process.memoryUsage.rss() > WORN_BYTES) send({ kind: 'worn' });
  send(message);
}

function send(message: FromParser): void {
  process.send?.(message);
}

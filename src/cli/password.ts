import { TenonError } from '../model/errors.ts';

const MAX_BYTES = 64 * 1024;

/** The first line of stdin. A password on a command line would stand in the process list and in the shell's history. */
export async function readPassword(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new TenonError('BAD_INPUT', 'What came on stdin is too long to be a password.');
    chunks.push(chunk);
  }
  const [line = ''] = Buffer.concat(chunks).toString().split(/\r?\n/, 1);
  if (line === '') throw new TenonError('BAD_INPUT', 'No password came on stdin.');
  return line;
}

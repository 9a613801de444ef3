import { close, constants, fstatSync, open, read, type BigIntStats } from 'node:fs';
import { promisify } from 'node:util';

/** Without O_NONBLOCK a pipe of that name would make us wait for a writer for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

// A plain descriptor: a FileHandle for each of many small files costs more than all that is done with it.
const openFile = promisify(open) as (file: string, flags: number) => Promise<number>;

/** Bytes `start` to `end`, fewer where the file ends. `check` looks at the very file that is read, and throws to refuse it. */
export async function readPart(
  file: string,
  start: number,
  end: number,
  check: (stats: BigIntStats) => void,
): Promise<Uint8Array> {
  const fd = await openFile(file, FLAGS);
  try {
    // Told from what the opening has learnt. What may take long, as the place may be mounted from afar, is waited for instead.
    const stats = fstatSync(fd, { bigint: true });
    check(stats);
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(end, Number(stats.size)) - start));
    let filled = 0;
    while (filled < bytes.length) {
      const count = await fill(fd, bytes, filled, start + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    // Nothing was written, so nothing can go wrong that anybody has to know.
    close(fd, () => undefined);
  }
}

function fill(fd: number, bytes: Buffer, from: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, bytes, from, bytes.length - from, position, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

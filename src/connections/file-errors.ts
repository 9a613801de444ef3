import { TenonError, type ErrorCode } from '../model/errors.ts';

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EACCES: ['SOURCE_DENIED', 'may not be read or written by the user that Tenon runs as'],
  EPERM: ['SOURCE_DENIED', 'may not be read or written by the user that Tenon runs as'],
  EROFS: ['SOURCE_DENIED', 'stands on a read-only file system'],
  ENOENT: ['DATA_UNREADABLE', 'is not there (any more)'],
  EISDIR: ['DATA_UNREADABLE', 'is a folder'],
  ENOSPC: ['DISK_FULL', 'could not be written, the disk is full'],
  EDQUOT: ['DISK_FULL', 'could not be written, the quota is used up'],
};

/** What a failed call of the file system means to the one who asked for `file`. An abort by the caller and a TenonError pass through. */
export function fileError(error: unknown, file: string, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof TenonError) return error;
  const errno = errnoOf(error);
  const [code, why] = CODES[errno] ?? ['SOURCE_UNAVAILABLE', `could not be read or written (${errno})`];
  return new TenonError(code, `${shown(file)} ${why}.`, { path: file.slice(0, 1024), errno }, { cause: error });
}

/** A folder or file that a listing could not read: what is below it is unknown. */
export function unknownError(error: unknown, file: string): TenonError {
  const errno = errnoOf(error);
  const denied = errno === 'EACCES' || errno === 'EPERM';
  const why = denied
    ? 'may not be read by the user that Tenon runs as'
    : errno === 'ENOENT'
      ? 'is not there (any more)'
      : `could not be read (${errno})`;
  return new TenonError(
    denied ? 'SOURCE_DENIED' : 'SOURCE_UNAVAILABLE',
    `${shown(file)} ${why}.`,
    { path: file.slice(0, 1024), errno },
    { cause: error },
  );
}

export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

/** A path in a message: on one line, whatever it holds, and not without end. */
export function shown(file: string): string {
  const text = JSON.stringify(file.length > 300 ? `${file.slice(0, 300)}…` : file);
  return `«${text.slice(1, -1)}»`;
}

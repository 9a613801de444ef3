/**
 * Files somewhere: a folder, or a bucket. Addresses are whole (`file:///dir/name`, `s3://bucket/key`), so that what the
 * catalog keeps can be opened without anything else but the connection.
 */
export interface ObjectStore {
  /** `file` or `s3`: the scheme of its addresses. */
  readonly scheme: string;
  /** Objects at or below an address, in byte order of their keys, after `after` (a key below the address) if given. */
  list(prefix: string, options: { after?: string; signal?: AbortSignal; onRequest?: () => void }): AsyncIterable<StoredObject>;
  /** What stands at an address, or undefined. */
  head(address: string): Promise<StoredObject | undefined>;
  /** Bytes `start` to `end`, `end` not included, fewer where the object ends. */
  read(address: string, start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Copies an object to a local file. Fails with DATA_UNREADABLE when the etag is no longer the one expected. */
  download(address: string, file: string, expected: { etag: string }, signal?: AbortSignal): Promise<void>;
  /** Copies a local file to an address, whole or not at all. */
  upload(file: string, address: string, signal?: AbortSignal): Promise<StoredObject>;
  remove(addresses: readonly string[]): Promise<void>;
}

export interface StoredObject {
  readonly address: string;
  /** The address below the prefix that was listed. */
  readonly path: string;
  readonly size: number;
  readonly etag: string;
  readonly modified: Date;
}

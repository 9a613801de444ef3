import type { TenonError } from '../model/errors.ts';

/**
 * Files somewhere: a folder, or a bucket. Addresses are whole (`file:///dir/name`, `s3://bucket/key`), so that what the
 * catalog keeps can be opened without anything else but the connection. `address.ts` says how they are written.
 */
export interface ObjectStore {
  /** `file` or `s3`: the scheme of its addresses. */
  readonly scheme: string;
  /** Objects at or below an address, in byte order of their paths. */
  list(address: string, options?: ListOptions): AsyncIterable<StoredObject>;
  /** The same, many at a time: to wait for each of a million objects takes longer than all the rest. */
  pages(address: string, options?: ListOptions): AsyncIterable<readonly StoredObject[]>;
  /** What stands at an address, or undefined. */
  head(address: string): Promise<StoredObject | undefined>;
  /**
   * Bytes `start` to `end`, `end` not included, fewer where the object ends. With `expected`, fails with DATA_UNREADABLE
   * when the object is no longer the one that was listed.
   */
  read(address: string, start: number, end: number, options?: ReadOptions): Promise<Uint8Array>;
  /** Copies an object to a local file. Fails with DATA_UNREADABLE when the etag is no longer the one expected. */
  download(address: string, file: string, expected: { etag: string }, signal?: AbortSignal): Promise<void>;
  /** Copies a local file to an address, whole or not at all. */
  upload(file: string, address: string, signal?: AbortSignal): Promise<StoredObject>;
  /** What is not there any more counts as removed. */
  remove(addresses: readonly string[]): Promise<void>;
  /** The local file at an address, where a reader may open it in place. Stores that have none leave this out. */
  localPath?(address: string): string;
}

export interface ListOptions {
  /** A path below the address: only what comes after it is listed. */
  readonly after?: string | undefined;
  /** A folder below the address, with `/` at its end: only what is in it is listed. One that is not there holds nothing. */
  readonly folder?: string | undefined;
  /** Told of each folder that lies directly in the one that is listed, instead of listing what is below it. */
  readonly onFolder?: ((path: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called before each request to the store: the bill. What it throws ends the listing. */
  readonly onRequest?: (() => void) | undefined;
  /** True leaves a path out, and with it all below it. A folder's path ends in `/`. */
  readonly skip?: ((path: string) => boolean) | undefined;
  /**
   * Told of a path that could not be read (a closed folder, a name that is no UTF-8) while the listing goes on. Without
   * it the listing fails there. What makes the rest unreadable fails it either way.
   */
  readonly onUnknown?: ((path: string, error: TenonError) => void) | undefined;
}

export interface ReadOptions {
  readonly expected?: { readonly etag: string } | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface StoredObject {
  readonly address: string;
  /** The path below the address that was listed; the last name of the address where the object stands at it. */
  readonly path: string;
  readonly size: number;
  /** Changes when the bytes change. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** The objects of pages, one by one. */
export async function* eachObject<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page;
}

/** The package has no types of its own; this is the part of it that we use, here and in src/db. */
declare module 'pg-copy-streams' {
  import type { Readable, Writable } from 'node:stream';
  import type { Connection, Submittable } from 'pg';

  /** `rowCount` is known at the end. */
  interface Copy extends Submittable {
    readonly rowCount: number;
    submit(connection: Connection): void;
  }

  export function to(sql: string): Readable & Copy;
  export function from(sql: string): Writable & Copy;
}

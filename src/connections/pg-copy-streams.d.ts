/** The package has no types of its own; this is the half of it that we use. */
declare module 'pg-copy-streams' {
  import type { Readable } from 'node:stream';
  import type { Connection, Submittable } from 'pg';

  export function to(sql: string): Readable & Submittable & { submit(connection: Connection): void };
}

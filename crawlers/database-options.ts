import { z } from 'zod';
import { SSL_MODES } from '../src/connections/connections.ts';
import { isHost } from '../src/connections/definitions.ts';
import { rulesShape } from './table-paths.ts';

/** So many tables are described by one set of queries, and lie between two checkpoints. */
export const TABLES_A_CHECKPOINT = 500;

/** The options of a crawler of a database server. `levels`: 3 where databases have schemas, else 2. */
export function databaseShape(levels: 2 | 3) {
  return z.strictObject({
    host: z.string().refine(isHost, 'is no host name, no IP and no folder of a socket').optional(),
    port: z.int().min(1).max(65_535).optional(),
    database: z.string().min(1).max(200).optional(),
    user: z.string().min(1).max(200).optional(),
    sslmode: z.enum(SSL_MODES).optional(),
    sslrootcert: z.string().startsWith('/').max(4_096).optional(),
    ...rulesShape(levels),
  });
}

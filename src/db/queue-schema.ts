import { Logger, runMigrations } from 'graphile-worker';
import type pg from 'pg';

/** The wake-up library's own narration; what goes wrong is thrown. */
const SILENT = new Logger(() => () => {});

/**
 * Brings the schema of the wake-up library (`graphile_worker`) to its version. Any number of processes may call it at
 * once. It holds nothing but wake-ups: a database without it loses no run.
 */
export async function migrateQueue(target: string | pg.Pool): Promise<void> {
  const connection = typeof target === 'string' ? { connectionString: target } : { pgPool: target };
  await runMigrations({ ...connection, logger: SILENT });
}

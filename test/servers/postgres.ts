import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { Ground } from '../../src/db/db.ts';
import { connect, openDb } from '../../src/db/open-db.ts';
import type { Clock } from '../../src/model/ground.ts';
import { withDatabase } from './embedded.ts';
import { hasFailed } from './outcome.ts';

interface TestClock extends Clock {
  /** The clock stands still until it is set or moved. */
  set(to: Date): void;
  advance(ms: number): void;
}

/** A migrated database of one's own, with time and ids in the test's hand. */
export interface TestDb {
  readonly ground: Ground;
  readonly db: Ground['db'];
  readonly url: string;
  readonly clock: TestClock;
  /** Drops the database, unless a test of this file has failed: then it says how to look at it. */
  close(): Promise<void>;
}

export async function openTestDb(options: { max?: number } = {}): Promise<TestDb> {
  const database = `tenon_test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(`create database ${database} template ${inject('postgresTemplate')}`);
  const url = withDatabase(inject('postgresUrl'), database);
  const { db, close } = await openDb({ url, ...options });
  const clock = testClock();
  return {
    ground: { db, clock, newId: testIds() },
    db,
    url,
    clock,
    close: async () => {
      await close();
      if (hasFailed()) console.error(`The database of the failed test stays while the server runs: ${url}`);
      else await asAdmin(`drop database ${database} with (force)`);
    },
  };
}

/** An empty database, not migrated. */
export async function openEmptyDb(): Promise<{ url: string; close(): Promise<void> }> {
  const database = `tenon_test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(`create database ${database}`);
  return { url: withDatabase(inject('postgresUrl'), database), close: () => asAdmin(`drop database ${database} with (force)`) };
}

function testClock(start = new Date('2026-11-20T12:00:00Z')): TestClock {
  let now = start;
  return Object.assign(() => now, {
    set: (to: Date) => {
      now = to;
    },
    advance: (ms: number) => {
      now = new Date(now.getTime() + ms);
    },
  });
}

/** 00000000-0000-7000-8000-000000000001 and on: in the shape and order of version 7, and the same in every run. */
function testIds(): () => string {
  let last = 0;
  return () => `00000000-0000-7000-8000-${(++last).toString(16).padStart(12, '0')}`;
}

async function asAdmin(statement: string): Promise<void> {
  const admin = await connect(inject('postgresUrl'));
  await admin.query(statement).finally(() => admin.end());
}

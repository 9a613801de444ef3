import { randomUUID } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/db/migrate.ts';
import { connect } from '../../src/db/open-db.ts';
import { openServer, withDatabase } from './embedded.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server's URL; the database in its path is for creating others. */
    postgresUrl: string;
    postgresTemplate: string;
  }
}

/**
 * One Postgres for the whole run, and in it one migrated template that `openTestDb` copies. Several runs at once do not
 * meet: each has its own embedded server, or on TEST_POSTGRES_URL (any Postgres ≥ 15, as a superuser) its own template.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await openServer(process.env['TEST_POSTGRES_URL']);
  const template = `tenon_template_${randomUUID().slice(0, 8)}`;
  const admin = await connect(server.url);
  await admin.query(`create database ${template}`);
  await migrate(withDatabase(server.url, template));
  project.provide('postgresUrl', server.url);
  project.provide('postgresTemplate', template);
  return async () => {
    await admin.query(`drop database ${template}`);
    await admin.end();
    await server.close();
  };
}

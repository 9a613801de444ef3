import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../../src/server/failure.ts';
import { thrownBehind } from '../../src/server/graphql-errors.ts';
import { openTestApi, type TestApi } from './api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  await api.ask('mutation { createDatabase(name: "lake") { name } }');
});
afterAll(() => api.close());

const HOSTILE = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  "'; drop table tables; --",
  '"; drop table tables; --',
  '${jndi}',
  '../../etc/passwd',
  '%',
  '_',
  '\\',
  'x'.repeat(100_000),
  '\u202edrow',
  '🦆'.repeat(300),
];

const QUERIES = [
  'query ($x: String!) { database(name: $x) { name } }',
  'query ($x: String!) { table(name: $x) { name } }',
  'query ($x: String!) { tables(filter: { database: $x }) { edges { cursor } } }',
  'query ($x: String!) { tables(filter: { name: $x, nameContains: $x, owner: $x, locationPrefix: $x }) { edges { cursor } } }',
  'query ($x: String!) { tables(after: $x) { edges { cursor } } }',
  'query ($x: String!) { databases(after: $x) { edges { cursor } } }',
  'query ($x: String!) { search(text: $x) { edges { cursor } } }',
  'query ($x: String!) { search(text: "a", filter: { database: $x }) { edges { cursor } } }',
  'query ($x: String!) { search(text: "a", after: $x) { edges { cursor } } }',
  'query ($x: String!) { changes(filter: { database: $x, table: $x, subject: $x, runId: $x }) { edges { cursor } } }',
  'query ($x: String!) { changes(after: $x) { edges { cursor } } }',
  'query ($x: String!) { crawler(name: $x) { name } }',
  'query ($x: String!) { crawlers(after: $x) { edges { cursor } } }',
  'query ($x: String!) { job(name: $x) { name } }',
  'query ($x: String!) { jobs(after: $x) { edges { cursor } } }',
  'query ($x: String!) { runs(filter: { kind: $x, name: $x }) { edges { cursor } } }',
  'query ($x: String!) { runs(after: $x) { edges { cursor } } }',
  'query ($x: String!) { connection(name: $x) { name } }',
  'query ($x: String!) { connections(after: $x) { edges { cursor } } }',
  'query ($x: String!) { principals(after: $x) { edges { cursor } } }',
  'query ($x: String!) { tokens(after: $x) { edges { cursor } } }',
  'query ($x: String!) { lineage(table: $x, direction: UPSTREAM) { depth } }',
  'query ($x: ID!) { run(id: $x) { id } }',
  'query ($x: ID!) { node(id: $x) { id } }',
  'mutation ($x: String!) { createDatabase(name: $x, description: $x) { name } }',
  'mutation ($x: JSON!) { createDatabase(name: "p", parameters: { a: $x }) { name } }',
  'mutation ($x: String!) { dropDatabase(name: $x) { name } }',
  'mutation ($x: String!) { dropTable(name: $x) { name } }',
  'mutation ($x: String!) { recordTable(table: { name: "lake.t", location: $x, description: $x, connection: $x, columns: [{ name: $x, type: "int", comment: $x }] }) { created } }',
  'mutation ($x: String!) { recordTable(table: { name: $x, columns: [] }) { created } }',
  'mutation ($x: String!) { recordTable(table: { name: "lake.u", columns: [{ name: "a", type: $x }] }) { created } }',
  'mutation ($x: String!) { addPartitions(table: "lake.t", partitions: [{ values: {}, location: $x, files: [{ address: $x, size: 1, etag: $x, modified: "2026-01-01T00:00:00Z" }] }]) { added } }',
  'mutation ($x: String!) { defineCrawler(crawler: { name: $x, url: "file:///tmp", database: $x }) { name } }',
  'mutation ($x: String!) { defineCrawler(crawler: { name: "c", url: $x, database: "d", connection: $x, description: $x }) { name } }',
  'mutation ($x: String!) { defineCrawler(crawler: { name: "k", kind: $x, options: { url: $x }, database: "d" }) { name } }',
  'mutation ($x: String!) { startCrawl(crawler: $x) { id } }',
  'mutation ($x: ID!) { stopRun(id: $x) { id } }',
  'mutation ($x: JSON!) { defineJob(definition: $x) { name } }',
  'mutation ($x: String!) { startRun(job: $x) { id } }',
  'mutation ($x: String!) { acceptJob(name: $x) { name } }',
  'mutation ($x: String!) { defineConnection(connection: { name: $x, kind: "s3", secret: $x }) { name } }',
  'mutation ($x: String!) { defineConnection(connection: { name: "s", kind: "postgres", options: { host: "h", database: "d" }, secret: $x }) { name } }',
  'mutation ($x: String!) { createPrincipal(name: $x, role: READER) { name } }',
  'mutation ($x: String!) { createToken(principal: "admin", name: $x) { id } }',
  'mutation ($x: ID!) { revokeToken(id: $x) }',
];

describe('hostile text in every argument', () => {
  for (const query of QUERIES) {
    it(`is answered, or refused in our words: ${query.replace(/^\w+ \(.*?\) /, '').slice(0, 90)}`, async () => {
      for (const x of HOSTILE) {
        const outcome = await api.ask(query, { x }).catch((error: unknown) => error);
        if (!(outcome instanceof Error)) continue;
        const refused = failureOf(thrownBehind(outcome), { log: api.tenon.log, newId: api.tenon.ground.newId });
        expect(refused.code, `${JSON.stringify(x.slice(0, 30))}: ${String(outcome.cause ?? outcome).slice(0, 500)}`).not.toBe(
          'INTERNAL',
        );
        expect(refused.message.length).toBeLessThan(1_100);
      }
    });
  }

  it('has harmed nothing', async () => {
    expect(await api.ask('{ database(name: "lake") { name } }')).toEqual({ database: { name: 'lake' } });
  });
});

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/db/open-db.ts';
import { openEmptyDb } from '../servers/postgres.ts';
import { run, serve, start, type Ended, type Serving } from './tenon.ts';

const CANARY = 'hush-canary-7f3a';

let folder: string;
let data: string;
let server: Serving;
let source: Awaited<ReturnType<typeof openEmptyDb>>;
const heard: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-secrets-'));
  data = join(folder, 'data');
  source = await openEmptyDb();
  const client = await connect(source.url);
  await client.query('create table customers (id int primary key, email text)');
  await client.end();
  server = await serve(data, { env: { TENON_LOG_LEVEL: 'trace' } });
});
afterAll(async () => {
  await source.close();
  await rm(folder, { recursive: true, force: true });
});

function withPassword(url: string): string {
  const secret = new URL(url);
  secret.password = CANARY;
  return secret.href;
}

function hear(ended: Ended): Ended {
  heard.push(ended.stdout, ended.stderr);
  return ended;
}

describe('a password in an address', () => {
  it('is used, and leaves the process list at once', async () => {
    const crawl = start(['crawl', withPassword(source.url), '--database', 'shop', '--json', '--data', data]);
    const seen: string[] = [];
    for (let shown = commandLine(crawl.pid); crawl.process.exitCode === null; shown = commandLine(crawl.pid)) {
      if (shown !== '') seen.push(shown);
      await sleep(2);
    }
    const outcome = hear(await crawl.ended);
    expect(outcome.code, outcome.stdout + outcome.stderr).toBe(0);
    if (process.platform === 'linux') {
      const first = seen.findIndex((text) => !text.includes(CANARY));
      expect(first).toBeGreaterThanOrEqual(0);
      // Node itself takes some milliseconds until our first line runs.
      expect(seen.slice(first).filter((text) => text.includes(CANARY))).toEqual([]);
      expect(first / seen.length).toBeLessThan(0.5);
    }
    const { tables } = JSON.parse(hear(await run(['tables', '--json', '--data', data])).stdout) as {
      tables: { location: string }[];
    };
    expect(tables).toEqual([expect.objectContaining({ name: 'customers' })]);
  }, 60_000);

  it('is in no output, not in that of failures either', async () => {
    for (const args of [
      ['connection', 'list', '--json'],
      ['connection', 'add', 'other', withPassword('postgres://reader@nowhere.invalid/db')],
      ['changes', '--json'],
      ['run', 'list', '--json'],
      ['crawl', withPassword('postgres://reader@nowhere.invalid/db')],
      ['crawl', `mysql://u:${CANARY}@h/db`],
      ['crawl', `postgres://u:${CANARY}@h:port/db`],
      ['table', `postgres://u:${CANARY}@h/db`],
      ['sql', `select * from 'postgres://u:${CANARY}@h/db'`],
    ]) {
      hear(await run([...args, '--data', data]));
    }
    hear(
      await run(['crawl', 'postgres://reader@nowhere.invalid/db', '--password-stdin', '--data', data], { stdin: `${CANARY}\n` }),
    );
    const place = heard.findIndex((text) => text.includes(CANARY));
    expect(heard[place]).toBeUndefined();
  }, 60_000);

  it('is in no log and in no file of the data directory but as ciphertext', async () => {
    const { stdout, stderr } = await server.stop();
    expect(stderr.length).toBeGreaterThan(100);
    expect(stdout + stderr).not.toContain(CANARY);
    expect(filesWith(data, CANARY)).toEqual([]);
  }, 60_000);
});

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function filesWith(root: string, text: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((file) => statSync(file).isFile() && readFileSync(file).includes(text));
}

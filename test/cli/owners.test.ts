import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findServer } from '../../src/db/running-server.ts';
import { until } from '../until.ts';
import { run, serve, start, type Ended } from './tenon.ts';

let folder: string;
let data: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenon-owners-'));
  data = join(folder, 'data');
});
afterEach(async () => {
  await (await findServer(join(data, 'postgres')))?.stop();
  await rm(folder, { recursive: true, force: true });
});

const answerOf = ({ stdout }: Ended): unknown => JSON.parse(stdout);

async function layLake(files: number): Promise<string> {
  const lake = join(folder, 'lake');
  for (let i = 0; i < files; i++) {
    await mkdir(join(lake, 'events', `part=${i}`), { recursive: true });
    await writeFile(join(lake, 'events', `part=${i}`, 'a.csv'), `id,what\n${i},x\n`);
  }
  return lake;
}

describe('two commands on one directory', () => {
  it('both succeed when it is new and both come at once', async () => {
    const lake = await layLake(3);
    const ended = await Promise.all([
      run(['crawl', lake, '--database', 'lake', '--json', '--data', data]),
      run(['tables', '--json', '--data', data]),
      run(['changes', '--json', '--data', data]),
    ]);
    for (const { code, stderr } of ended) expect([code, stderr.replace(/^.*(running|queued).*\n/gm, '')]).toEqual([0, '']);
    expect(answerOf(await run(['tables', '--json', '--data', data]))).toMatchObject({ tables: [{ name: 'events' }] });
  }, 60_000);

  it('crawl the same thing once, and both tell what came of it', async () => {
    const lake = await layLake(300);
    const crawl = (): Promise<Ended> => run(['crawl', lake, '--database', 'lake', '--json', '--data', data]);
    const [a, b] = await Promise.all([crawl(), crawl()]);
    for (const ended of [a, b])
      expect(answerOf(ended), ended.stderr).toMatchObject({ run: { state: 'SUCCEEDED', tables: 1, partitions: 300 } });
  }, 60_000);

  it('leave no server behind when they are done', async () => {
    await run(['tables', '--data', data]);
    expect(await findServer(join(data, 'postgres'))).toBeUndefined();
    const cutOff = start(['changes', '--follow', '--after', '0', '--data', data]);
    cutOff.process.stdout?.destroy();
    expect((await cutOff.ended).stderr).toBe('');
    expect(await findServer(join(data, 'postgres'))).toBeUndefined();
  }, 60_000);

  it('do not wait for one that only looks on for ever', async () => {
    const first = start(['crawl', await layLake(500), '--database', 'lake', '--data', data]);
    await until(
      'the first command owns the directory',
      async () => (await findServer(join(data, 'postgres'))) !== undefined,
      20_000,
    );
    const following = start(['changes', '--follow', '--data', data]);
    try {
      expect((await first.ended).code).toBe(0);
      await until(
        'the follower owns the directory, and the log goes on',
        async () => {
          await run(['connection', 'add', 'c', 'postgres://reader@db.example/x', '--data', data]);
          return following.stdout().includes('connection.created');
        },
        30_000,
      );
    } finally {
      following.process.kill('SIGINT');
      await following.ended;
    }
  }, 90_000);
});

describe('an owner that is killed', () => {
  it('leaves a directory that the next command owns', async () => {
    const server = await serve(data);
    server.process.kill('SIGKILL');
    await server.ended;
    expect(await findServer(join(data, 'postgres'))).toBeDefined();
    const { code, stdout } = await run(['tables', '--json', '--data', data]);
    expect([code, JSON.parse(stdout)]).toEqual([0, { tables: [] }]);
  }, 60_000);

  it('loses nothing of what its clients wait for: one of them goes on as the owner', async () => {
    const server = await serve(data);
    const lake = await layLake(3_000);
    const waiting = start(['crawl', lake, '--database', 'lake', '--json', '--data', data]);
    await until('the crawl is under way', async () => {
      const { runs } = answerOf(await run(['run', 'list', '--json', '--data', data])) as { runs: { state: string }[] };
      return runs[0]?.state === 'RUNNING';
    });
    server.process.kill('SIGKILL');
    const ended = await waiting.ended;
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(answerOf(ended)).toMatchObject({ run: { state: 'SUCCEEDED', tables: 1, partitions: 3_000 } });
  }, 90_000);
});

describe('serve', () => {
  it('refuses a directory that another server owns', async () => {
    const server = await serve(data);
    try {
      const second = await run(['serve', '--port', '0', '--json', '--data', data]);
      expect([second.code, answerOf(second)]).toEqual([
        1,
        { error: { code: 'DATA_DIRECTORY', message: expect.any(String) as string, details: expect.any(Object) as object } },
      ]);
    } finally {
      expect((await server.stop()).code).toBe(0);
    }
  }, 60_000);

  it('says what is wrong with its configuration, all at once', async () => {
    const { code, stdout } = await run(['serve', '--json', '--data', data], { env: { TENON_PORT: 'many', TENON_NONSENSE: '1' } });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'BAD_CONFIG',
        details: { mistakes: [expect.stringContaining('TENON_NONSENSE'), expect.stringContaining('port')] },
      },
    });
  });

  it('stops a crawl at Ctrl-C, keeps what it has, and goes on the next time', async () => {
    const lake = await layLake(3_000);
    const crawl = start(['crawl', lake, '--database', 'lake', '--json', '--data', data]);
    await until('the crawl is under way', async () => (await findServer(join(data, 'postgres'))) !== undefined, 20_000);
    await until('it has begun', async () => {
      const { runs } = answerOf(await run(['run', 'list', '--json', '--data', data])) as { runs: { state: string }[] };
      return runs[0]?.state === 'RUNNING';
    });
    crawl.process.kill('SIGINT');
    const stopped = await crawl.ended;
    expect([stopped.code, answerOf(stopped)]).toEqual([1, { run: expect.objectContaining({ state: 'STOPPED' }) as object }]);
    const again = await run(['crawl', lake, '--database', 'lake', '--json', '--data', data]);
    expect(answerOf(again)).toMatchObject({ run: { state: 'SUCCEEDED', partitions: 3_000 } });
  }, 90_000);
});

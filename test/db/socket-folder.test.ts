import { chown, mkdir, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { socketFolder } from '../../src/db/socket-folder.ts';
import { SKIPS } from '../servers/allowed-skips.ts';
import { ask, QUICK, removeFolders, temporaryFolder } from './embedded.ts';

afterAll(removeFolders);

async function longFolder(): Promise<string> {
  const folder = join(await temporaryFolder(), 'a-folder-with-a-long-name/'.repeat(5));
  await mkdir(folder, { recursive: true });
  return folder;
}

const ourselves = { names: [], command: (program: string) => ({ program, args: [] }) };

describe('the folder of the socket', () => {
  it('is a short temporary one, closed to others, where the data directory’s path is too long', async () => {
    const folder = await longFolder();
    const first = await openEmbeddedPostgres(folder, QUICK);
    const socket = new URL(first.url).searchParams.get('host') ?? '';
    expect(Buffer.byteLength(`${socket}/.s.PGSQL.5432`)).toBeLessThan(107);
    expect((await stat(socket)).mode & 0o777).toBe(0o700);
    expect(await ask(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    const second = await openEmbeddedPostgres(folder, QUICK);
    expect(second).toMatchObject({ adopted: true, url: first.url });
    await second.close();
    await rm(socket, { recursive: true });
  });

  it('takes paths with spaces, quotes, commas and other letters', async () => {
    const folder = join(await temporaryFolder(), `it's "my", lake é`);
    const { url, close } = await openEmbeddedPostgres(folder, QUICK);
    expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await close();
  });

  it('is refused when somebody else made it first, or a link', async ({ skip }) => {
    skip(process.getuid?.() !== 0, SKIPS.notRoot);
    const theirs = await longFolder();
    const socket = await socketFolder(theirs, ourselves);
    await chown(socket, 2, 2);
    await expect(socketFolder(theirs, ourselves)).rejects.toMatchObject({ code: 'DATA_DIRECTORY' });
    await rm(socket, { recursive: true });
    await symlink(await temporaryFolder(), socket);
    await expect(socketFolder(theirs, ourselves)).rejects.toMatchObject({ code: 'DATA_DIRECTORY' });
    await rm(socket);
  });
});

import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { SKIPS } from '../servers/allowed-skips.ts';
import { startScript, type ScriptOptions } from '../servers/script.ts';
import { ask, QUICK, removeFolders, temporaryFolder } from './embedded.ts';

afterAll(removeFolders);

const OPEN = new URL('scripts/open.ts', import.meta.url);
const isRoot = process.getuid?.() === 0;

/** Opens in a process of its own, stops it again, and returns what it said. */
async function openAndClose(folder: string, options: ScriptOptions): Promise<Record<string, unknown>> {
  const script = startScript(OPEN, ['open', folder], options);
  const said = await script.said();
  script.tell('close');
  await script.ended;
  return said;
}

describe('root', () => {
  beforeEach(({ skip }) => skip(!isRoot, SKIPS.notRoot));

  it('has Postgres run as nobody, who owns the database and nothing else', async () => {
    const folder = await temporaryFolder();
    const server = await openEmbeddedPostgres(folder, QUICK);
    const nobody = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
    expect((await stat(join(folder, 'postgres'))).uid).toBe(nobody);
    expect((await stat(folder)).uid).toBe(0);
    expect((await stat(`/proc/${server.pid}`)).uid).toBe(nobody);
    await server.close();
  });

  it('has it run as the owner of the data directory, so that the owner can open it later', async () => {
    const folder = await temporaryFolder();
    const { uid, gid } = account('daemon');
    await chown(folder, uid, gid);
    await openEmbeddedPostgres(folder, QUICK).then(({ close }) => close());
    expect((await stat(join(folder, 'postgres'))).uid).toBe(uid);
  });

  it('passes a folder that is closed to others', async ({ skip }) => {
    skip(!existsSync('/usr/bin/setpriv'), SKIPS.noSetpriv);
    const server = await openEmbeddedPostgres(await closedFolder(), QUICK);
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.close();
  });

  it('passes it in a container, where the weaker capability is withheld', async ({ skip }) => {
    skip(!existsSync('/usr/bin/setpriv'), SKIPS.noSetpriv);
    const through = ['/usr/bin/setpriv', '--bounding-set=-dac_read_search', '--inh-caps=-dac_read_search'];
    expect(await openAndClose(await closedFolder(), { through })).toMatchObject({ adopted: false });
  });

  it('names the folder and the way out where it can pass nothing', async ({ skip }) => {
    skip(!existsSync('/usr/bin/setpriv'), SKIPS.noSetpriv);
    const through = [
      '/usr/bin/setpriv',
      '--bounding-set=-dac_read_search,-dac_override',
      '--inh-caps=-dac_read_search,-dac_override',
    ];
    const folder = await closedFolder();
    const said = await openAndClose(folder, { through });
    expect(said).toMatchObject({ code: 'DATA_DIRECTORY', message: expect.stringContaining(`the folder ${join(folder, '..')}`) });
    expect(said['message']).toMatch(/--data|chmod/);
    expect(await readdir(folder)).not.toContain('postgres');
  });

  it('adopts what another user has started', async () => {
    const folder = await temporaryFolder();
    const { uid, gid } = account('nobody');
    await chown(folder, uid, gid);
    const script = startScript(OPEN, ['open', folder], { uid, gid });
    const { pid } = await script.said();
    const server = await openEmbeddedPostgres(folder, QUICK);
    expect(server).toMatchObject({ pid, adopted: true });
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    script.tell('close');
    await script.ended;
  });
});

describe('anyone else', () => {
  beforeEach(({ skip }) => skip(!isRoot, SKIPS.notRoot));

  it('has Postgres run as himself', async () => {
    const folder = await temporaryFolder();
    const { uid, gid } = account('daemon');
    await chown(folder, uid, gid);
    expect(await openAndClose(join(folder, 'lake'), { uid, gid })).toMatchObject({ adopted: false });
    expect((await stat(join(folder, 'lake', 'postgres'))).uid).toBe(uid);
    expect((await stat(join(folder, 'lake'))).mode & 0o777).toBe(0o700);
  });

  it('is told when the data directory cannot be written', async () => {
    const said = await openAndClose(join(await temporaryFolder(), 'lake'), account('daemon'));
    expect(said).toMatchObject({ code: 'DATA_DIRECTORY', message: expect.stringContaining('EACCES') });
  });

  it('is told whose the database is', async () => {
    const folder = await temporaryFolder();
    await openEmbeddedPostgres(folder, QUICK).then(({ close }) => close());
    await chmod(folder, 0o777);
    await chmod(join(folder, 'postgres.turn'), 0o777);
    const said = await openAndClose(folder, account('daemon'));
    expect(said).toMatchObject({ code: 'DATA_DIRECTORY', message: expect.stringContaining('belongs to the user') });
  });

  it('is told when his number has no name', async () => {
    const folder = await temporaryFolder();
    await chown(folder, 54_321, 54_321);
    const said = await openAndClose(folder, { uid: 54_321, gid: 54_321 });
    expect(said).toMatchObject({ code: 'DATA_DIRECTORY', message: expect.stringContaining('/etc/passwd') });
  });
});

function account(name: string): { uid: number; gid: number } {
  const number = (option: string) => Number(execFileSync('id', [option, name], { encoding: 'utf8' }));
  return { uid: number('-u'), gid: number('-g') };
}

async function closedFolder(): Promise<string> {
  const closed = await temporaryFolder();
  await chmod(closed, 0o700);
  const folder = join(closed, 'lake');
  await mkdir(folder);
  return folder;
}

import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { findBinaries } from '../../src/db/postgres-binaries.ts';
import { SKIPS } from '../servers/allowed-skips.ts';
import { ask, QUICK, removeFolders, temporaryFolder } from './embedded.ts';

afterAll(removeFolders);

/** The package as npm unpacks it when install scripts are off: without a single link, in a folder that is read-only. */
async function packageWithoutLinks(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const native = join(await temporaryFolder(), 'native');
  await cp(join(dirname(entry), '..', 'native'), native, {
    recursive: true,
    filter: async (path) => !(await lstat(path)).isSymbolicLink(),
  });
  for (const folder of ['', 'lib', 'bin', 'share']) await chmod(join(native, folder), 0o555);
  return native;
}

describe('the binaries', () => {
  it('find their libraries though install scripts are off and node_modules is read-only', async () => {
    const native = await packageWithoutLinks();
    const before = await readdir(native, { recursive: true });
    expect(before).not.toContain('lib/libicuuc.so.60');
    const folder = await temporaryFolder();
    const first = await openEmbeddedPostgres(folder, { ...QUICK, native });
    await ask(first.url, 'create extension pg_trgm');
    expect(await ask(first.url, "select similarity('tenon', 'tenon') as same")).toEqual([{ same: 1 }]);
    await first.close();
    const second = await openEmbeddedPostgres(folder, { ...QUICK, native });
    expect(second.adopted).toBe(false);
    await second.close();
    expect(await readdir(native, { recursive: true })).toEqual(before);
  });

  it('get new links when the package has moved', async () => {
    const links = await temporaryFolder();
    const [first, second] = [await packageWithoutLinks(), await packageWithoutLinks()];
    await findBinaries(links, first);
    const { env } = await findBinaries(links, second);
    expect(Object.values(env)).toEqual([`${links}:${join(second, 'lib')}`]);
    const folder = await temporaryFolder();
    await openEmbeddedPostgres(folder, { ...QUICK, native: second }).then(({ close }) => close());
  });

  it('need no links of ours where the install script has made them', async () => {
    const native = await temporaryFolder();
    await mkdir(join(native, 'lib'));
    await writeFile(join(native, 'pg-symlinks.json'), '[{"source":"native/lib/a.so.1","target":"native/lib/a.so"}]');
    await writeFile(join(native, 'lib', 'a.so'), '');
    const links = join(await temporaryFolder(), 'links');
    expect((await findBinaries(links, native)).env).toEqual({});
    expect(existsSync(links)).toBe(false);
  });

  it('run from a folder that is closed to others, as under root’s home', async ({ skip }) => {
    skip(process.getuid?.() !== 0, SKIPS.notRoot);
    const native = await packageWithoutLinks();
    await chmod(join(native, '..'), 0o700);
    const folder = await temporaryFolder();
    await chmod(folder, 0o700);
    const server = await openEmbeddedPostgres(join(folder, 'lake'), { ...QUICK, native });
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.close();
  });
});

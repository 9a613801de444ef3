import { chmod, cp, lstat, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { findBinaries } from '../../src/db/postgres-binaries.ts';
import { ask, temporaryFolder } from './embedded.ts';

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
    const first = await openEmbeddedPostgres(folder, { native });
    await ask(first.url, 'create extension pg_trgm');
    expect(await ask(first.url, "select similarity('tenon', 'tenon') as same")).toEqual([{ same: 1 }]);
    await first.close();
    const second = await openEmbeddedPostgres(folder, { native });
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
    await openEmbeddedPostgres(folder, { native: second }).then(({ close }) => close());
  });

  it('need no links where the install script has made them', async ({ skip }) => {
    const links = join(await temporaryFolder(), 'links');
    const { env } = await findBinaries(links);
    skip(Object.keys(env).length > 0, 'this node_modules was installed without links');
    expect(env).toEqual({});
  });
});

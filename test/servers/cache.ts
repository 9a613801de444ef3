import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where servers that tests fetch are kept between runs: outside the tree, so that cleaning the tree keeps them. */
export function cacheFolder(name: string): string {
  const root = process.env['TENON_TEST_CACHE'] ?? join(homedir(), '.cache', 'tenon-test');
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

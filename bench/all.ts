import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';

/** Runs every benchmark, each in a process of its own, and prints what the README quotes. */
for (const name of ['start', 'job', 'infer', 'accuracy']) {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`${name}.js`, import.meta.url))], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../test/servers/cache.ts';

/** What is fetched from PyPI, once, into the cache that the tests have for such things. */
const PACKAGES = ['acryl-datahub[s3]==1.7.0.17', 'awswrangler==3.17.1', 'boto3==1.44.8'];
const SCRIPT = fileURLToPath(new URL('../../bench/peers.py', import.meta.url));

/** Programs that others use for what a crawl does. `awswrangler` reads Parquet only. */
export const PEERS = ['boto3', 'awswrangler', 'datahub'] as const;
export type Peer = (typeof PEERS)[number];

export interface PeerCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** Undefined where TENON_BENCH_PEERS is not set, as hundreds of megabytes are fetched for it. Throws what keeps them from running. */
export function peerCommand(): ((peer: Peer, format: string) => PeerCommand) | undefined {
  if ((process.env['TENON_BENCH_PEERS'] ?? '') === '') return undefined;
  const folder = join(cacheFolder('bench-peers'), 'venv');
  const python = join(folder, 'bin', 'python');
  const done = join(folder, 'whole');
  if (!existsSync(done)) {
    rmSync(folder, { recursive: true, force: true });
    run('python3', ['-m', 'venv', folder]);
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]);
    writeFileSync(done, PACKAGES.join('\n'));
  }
  return (peer, format) => ({ command: python, args: [SCRIPT, peer, format] });
}

/** Nothing that a peer might send home, or wait for. */
export const PEER_ENV = {
  DATAHUB_TELEMETRY_ENABLED: 'false',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_DEFAULT_REGION: 'us-east-1',
};

export const PEER_VERSIONS = Object.fromEntries(PACKAGES.map((one) => one.replace(/\[.*\]/, '').split('==') as [string, string]));

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.slice(0, 3).join(' ')} ended with ${status ?? String(error)}.`);
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeBucket } from '../test/servers/fake-s3-bucket.ts';
import { startFakeS3 } from '../test/servers/fake-s3.ts';
import { KINDS } from './infer-files.ts';

/** The fake S3 with the files of a folder, in a process of its own. A number that is sent to it is its latency from then on. */
const folder = process.argv[2] ?? '';
const bucket = new FakeBucket('lake');
for (const kind of KINDS)
  for (const name of readdirSync(join(folder, kind))) bucket.put(`${kind}/${name}`, readFileSync(join(folder, kind, name)));
const fake = await startFakeS3(bucket);
process.on('message', (latencyMs: number) => {
  fake.latencyMs = latencyMs;
  fake.requests.splice(0);
  process.send?.('set');
});
process.on('disconnect', () => process.exit());
process.send?.(fake.url);

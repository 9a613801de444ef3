import { startFakeS3 } from '../test/servers/fake-s3.ts';
import { FakeBucket } from '../test/servers/fake-s3-bucket.ts';
import { fakeLake } from '../test/servers/fake-lake.ts';
import { parquetContents } from './parquet-contents.ts';

/**
 * An S3 server with a lake of any size, in a process of its own so that it takes no time from who lists it. Arguments:
 * partitions, files of each, and `csv` or `parquet`. A line on stdin is answered with what was asked since the last one;
 * a number on it is the latency from then on.
 */
const [partitions = '1000', files = '10', format = 'csv'] = process.argv.slice(2);
const contents = format === 'parquet' ? await parquetContents() : undefined;
const fake = await startFakeS3(new FakeBucket('lake', fakeLake(Number(partitions), Number(files), contents)));
console.log(JSON.stringify({ url: fake.url, sizes: contents?.map(({ length }) => length) }));
process.stdin.on('data', (line: Buffer) => {
  const latency = line.toString().trim();
  if (latency !== '') fake.latencyMs = Number(latency);
  const lists = fake.requests.filter(({ path }) => path.includes('list-type=2')).length;
  console.log(JSON.stringify({ lists, others: fake.requests.length - lists }));
  fake.requests.length = 0;
});
process.stdin.on('end', () => void fake.close());

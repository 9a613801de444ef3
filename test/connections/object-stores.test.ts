import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileAddress } from '../../src/connections/address.ts';
import { createFileStore } from '../../src/connections/file.ts';
import { createS3Store } from '../../src/connections/s3.ts';
import { describeObjectStore } from '../contract/object-store.ts';
import { startFakeS3 } from '../servers/fake-s3.ts';
import { openTestS3 } from '../servers/s3.ts';

describeObjectStore('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-files-'));
  return {
    store: createFileStore(),
    newRoot: async () => fileAddress(await mkdtemp(join(folder, 'root ü%20'))),
    close: () => rm(folder, { recursive: true, force: true }),
  };
});

describeObjectStore('fake S3', async () => {
  const fake = await startFakeS3();
  const store = createS3Store({ endpoint: fake.url, accessKeyId: 'key' }, 'secret');
  let roots = 0;
  return {
    store,
    newRoot: async () => `s3://lake/root ü%20${(roots += 1)}`,
    async close() {
      store.close();
      await fake.close();
    },
  };
});

describeObjectStore('a real S3 server', async () => {
  const server = await openTestS3();
  if ('skip' in server) return server;
  const store = createS3Store({ endpoint: server.url, accessKeyId: server.accessKeyId }, server.secretAccessKey);
  return {
    store,
    newRoot: async () => `s3://${await server.newBucket()}/root ü%20`,
    async close() {
      store.close();
      await server.close();
    },
  };
});

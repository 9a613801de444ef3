import { s3Crawler } from '../../crawlers/s3.ts';
import { createS3Store } from '../../src/connections/s3.ts';
import { startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { openLab, storeConnections, type Lab } from './lab.ts';

/** A lab whose lake is a bucket of the fake S3, which counts what it is asked. */
export interface S3Lab extends Lab {
  readonly fake: FakeS3;
}

export async function openS3Lab(): Promise<S3Lab> {
  const lab = await openLab();
  const fake = await startFakeS3();
  const store = createS3Store({ endpoint: fake.url, accessKeyId: 'key' }, 'secret');
  const preset = { crawler: s3Crawler, options: { url: 's3://lake/' }, connections: storeConnections(store) };
  return {
    ...lab,
    fake,
    crawl: (options = {}) => lab.crawl({ ...preset, ...options }),
    async close() {
      store.close();
      await fake.close();
      await lab.close();
    },
  };
}

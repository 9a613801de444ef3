import { describe, expect, it } from 'vitest';
import { readS3Events } from '../../src/connections/s3-events.ts';

const record = (eventName: string, key: string, more: Record<string, unknown> = {}) => ({
  eventVersion: '2.1',
  eventSource: 'aws:s3',
  eventName,
  s3: { configurationId: 'all', bucket: { name: 'lake' }, object: { key, size: 3, sequencer: '0055AED6DCD90281E5' }, ...more },
});
const message = (...records: unknown[]) => ({ Records: records });
const PUT = message(record('ObjectCreated:Put', 'sales/dt%3D2026-01-01/a+b%2B.csv'));
const CREATED = { kind: 'created', location: 's3://lake/sales/dt=2026-01-01/a b+.csv', sequencer: '0055AED6DCD90281E5' };

describe('a notification of an S3 server', () => {
  it('is read as AWS writes it', () => {
    const gone = [
      'ObjectRemoved:Delete',
      'ObjectRemoved:DeleteMarkerCreated',
      'LifecycleExpiration:Delete',
      's3:ReducedRedundancyLostObject',
    ];
    expect(readS3Events(PUT)).toEqual([CREATED]);
    expect(readS3Events(message(...gone.map((name) => record(name, 'x')))).map(({ kind }) => kind)).toEqual(
      gone.map(() => 'removed'),
    );
  });

  it('is read as MinIO writes it, and as versitygw does, whose keys are not encoded', () => {
    const minio = { EventName: 's3:ObjectCreated:Put', Key: 'lake/x', ...message(record('s3:ObjectCreated:Put', 'a%2Fb+c')) };
    expect(readS3Events(minio)).toMatchObject([{ kind: 'created', location: 's3://lake/a/b c' }]);
    const versity = message(record('s3:ObjectCreated:CompleteMultipartUpload', 'a+b%20c', { configurationId: 'webhook-global' }));
    expect(readS3Events(versity)).toMatchObject([{ location: 's3://lake/a+b%20c' }]);
  });

  it('is unwrapped from SNS, SQS, Lambda and EventBridge', () => {
    const sns = { Type: 'Notification', Message: JSON.stringify(PUT) };
    expect(readS3Events(JSON.stringify(sns))).toEqual([CREATED]);
    expect(readS3Events(message({ body: JSON.stringify(sns) }, { body: JSON.stringify(PUT) }))).toEqual([CREATED, CREATED]);
    expect(readS3Events(message({ EventSource: 'aws:sns', Sns: { Message: JSON.stringify(PUT) } }))).toEqual([CREATED]);
    const detail = { bucket: { name: 'lake' }, object: { key: 'a+b%20c', sequencer: '01' } };
    const bus = { source: 'aws.s3', 'detail-type': 'Object Deleted', detail };
    expect(readS3Events(bus)).toEqual([{ kind: 'removed', location: 's3://lake/a+b%20c', sequencer: '01' }]);
    expect(readS3Events([bus, { ...bus, 'detail-type': 'Object Tags Added' }])).toHaveLength(1);
  });

  it('may say nothing of an object', () => {
    expect(readS3Events({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'lake' })).toEqual([]);
    expect(readS3Events(message(record('s3:ObjectTagging:Put', 'x'), record('ObjectRestore:Completed', 'x')))).toEqual([]);
    expect(readS3Events(message())).toEqual([]);
    expect(readS3Events(message(record('ObjectCreated:Put', '100%.csv')))).toMatchObject([{ location: 's3://lake/100%.csv' }]);
  });

  it('is refused when it is none', () => {
    const deep = Array.from({ length: 9 }).reduce<unknown>((inner) => ({ Type: 'Notification', Message: inner }), PUT);
    const bad = ['', 'x', '{', null, 7, {}, [[[[[]]]]], deep, message(null), message({ s3: {} }), { Type: 'Notification' }];
    const broken = [message(record('ObjectCreated:Put', '')), message(record('ObjectCreated:Put', 'a\0b'))];
    const noBucket = message({ eventName: 'ObjectCreated:Put', s3: { object: { key: 'x' } } });
    for (const body of [...bad, ...broken, noBucket, { 'detail-type': 'Object Created' }]) {
      expect(() => readS3Events(body), JSON.stringify(body)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    }
  });
});

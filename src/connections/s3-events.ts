import { TenonError } from '../model/errors.ts';
import { s3Address } from './address.ts';

/** What an S3 server tells: that an object was made or overwritten, or is gone. */
export interface S3Event {
  readonly kind: 'created' | 'removed';
  readonly location: string;
  readonly sequencer?: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** A message in a message in a message (EventBridge in SNS in SQS) is the deepest that AWS makes. */
const DEPTH = 4;

/**
 * Reads notifications as AWS S3, MinIO, versitygw and Ceph send them, also where SNS, SQS, Lambda or EventBridge has wrapped
 * them. What is no news about an object (a test, a tag, a restore) gives nothing. Throws BAD_INPUT for anything else.
 */
export function readS3Events(body: unknown): S3Event[] {
  return eventsIn(body, DEPTH);
}

function eventsIn(body: unknown, depth: number): S3Event[] {
  if (depth === 0) throw notEvents('it is wrapped too often');
  if (typeof body === 'string') return eventsIn(parse(body), depth);
  if (Array.isArray(body)) return body.flatMap((one) => eventsIn(one, depth - 1));
  if (typeof body !== 'object' || body === null) throw notEvents('it is no JSON object');
  const message = body as Json;
  if (Array.isArray(message['Records'])) return message['Records'].flatMap((record: unknown) => eventsOfRecord(record, depth));
  if (typeof message['detail-type'] === 'string') return eventOfBus(message);
  if (message['Type'] === 'Notification') return eventsIn(message['Message'], depth - 1);
  // A test that a server sends when somebody sets it up.
  if (message['Event'] === 's3:TestEvent') return [];
  throw notEvents('it has neither Records nor a detail-type');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw notEvents('it is no JSON');
  }
}

function eventsOfRecord(record: unknown, depth: number): S3Event[] {
  const { s3, eventName, body, Sns: sns } = objectOf(record);
  if (s3 === undefined) {
    if (body !== undefined) return eventsIn(body, depth - 1);
    return eventsIn(objectOf(sns)['Message'], depth - 1);
  }
  const kind = kindOf(textOf(eventName, 'eventName'));
  if (kind === undefined) return [];
  const { bucket, object, configurationId } = objectOf(s3);
  const { key, sequencer } = objectOf(object);
  const bare = isBare(configurationId) ? textOf(key, 'key') : decodeKey(textOf(key, 'key'));
  return [eventOf(kind, objectOf(bucket)['name'], bare, sequencer)];
}

/** EventBridge writes keys as they are. */
function eventOfBus(message: Json): S3Event[] {
  const kind = kindOf(String(message['detail-type']));
  if (kind === undefined) return [];
  const { bucket, object } = objectOf(message['detail']);
  const { key, sequencer } = objectOf(object);
  return [eventOf(kind, objectOf(bucket)['name'], textOf(key, 'key'), sequencer)];
}

function kindOf(name: string): S3Event['kind'] | undefined {
  if (/^(s3:)?ObjectCreated:|^Object Created$/.test(name)) return 'created';
  if (/^(s3:)?(ObjectRemoved:|LifecycleExpiration:|ReducedRedundancyLostObject$)|^Object Deleted$/.test(name)) return 'removed';
  return undefined;
}

function eventOf(kind: S3Event['kind'], bucket: unknown, key: string, sequencer: unknown): S3Event {
  const known = typeof sequencer === 'string' && sequencer !== '' ? { sequencer: sequencer.slice(0, 100) } : {};
  return { kind, location: s3Address(textOf(bucket, 'bucket'), key), ...known };
}

/** As forms are encoded. What cannot be decoded was not encoded. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

/** versitygw writes keys as they are; it calls its configurations so. */
function isBare(configurationId: unknown): boolean {
  return configurationId === 'webhook-global';
}

function objectOf(value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw notEvents('a part of it is missing');
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= 4_096 && !value.includes('\0')) return value;
  throw notEvents(`its ${what} is missing`);
}

function notEvents(why: string): TenonError {
  return new TenonError('BAD_INPUT', `The body is no notification of an S3 server: ${why}.`);
}

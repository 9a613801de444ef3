import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from '../../src/access/redact.ts';

/** Without a letter or two around it, a secret could stand in the text by chance. */
const secret = fc.stringMatching(/^[A-Za-z0-9!$%^*_+=.~-]{12,40}$/);
const SHAPES: ((secret: string) => string)[] = [
  (s) => `connect to postgres://ada:${s}@host:5432/db failed`,
  (s) => `postgresql+ssl://ada:${encodeURIComponent(`${s}/@:`)}@host/db?sslmode=require`,
  (s) => `redis://:${s}@cache/0`,
  (s) => `s3 https://key:${s}@[::1]:9000/bucket/a@b`,
  (s) => `host=h user=u password=${s} dbname=d`,
  (s) => `password='${s} with spaces' user=u`,
  (s) => `{"user":"ada","password":"${s}"}`,
  (s) => `{ pgPassword: '${s}', x: 1 }`,
  (s) => `PGPASSWORD=${s} psql`,
  (s) => `AWS_SECRET_ACCESS_KEY=${s}`,
  (s) => `"secretAccessKey": "${s}"`,
  (s) => `aws_session_token = ${s}`,
  (s) => `api-key: ${s}`,
  (s) => `client_secret=${s}&grant=x`,
];

describe('redact', () => {
  it('hides every secret, wherever it stands', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SHAPES), secret, (shape, text) => {
        const shown = redact(shape(text));
        return !shown.includes(text) && !shown.includes(encodeURIComponent(text)) && shown.includes('***');
      }),
      { numRuns: 2_000 },
    );
  });

  it('hides bearer tokens, Tenon’s tokens, AWS keys, signed queries and private keys', () => {
    const cases: [string, string][] = [
      ['Authorization: Bearer abc.def-ghi_jkl', 'Authorization: Bearer ***'],
      ['authorization: basic dXNlcjpwYXNz', 'authorization: basic ***'],
      ['token tenon_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA was refused', 'token tenon_*** was refused'],
      ['The key AKIAIOSFODNN7EXAMPLE is unknown', 'The key AKIA*** is unknown'],
      [
        'GET /b/k?X-Amz-Credential=AKIA/x&X-Amz-Signature=0a1b&list-type=2',
        'GET /b/k?X-Amz-Credential=***&X-Amz-Signature=***&list-type=2',
      ],
      ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----.', '-----BEGIN RSA PRIVATE KEY-----***.'],
    ];
    for (const [text, shown] of cases) expect(redact(text)).toBe(shown);
  });

  it('leaves alone what is no secret', () => {
    for (const text of [
      '',
      'The column «password_hash» of lake.users was removed.',
      's3://bucket/folder/a:b@c.csv',
      'http://127.0.0.1:9000/bucket/a@b',
      'postgres://ada@host:5432/db/schema/table',
      'lake.tokens has 3 columns: id, name, secret',
      'SELECT token, password FROM users',
      'a bearer of news',
    ]) {
      expect(redact(text)).toBe(text);
    }
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SHAPES), secret, (shape, text) => redact(redact(shape(text))) === redact(shape(text))),
    );
  });

  it('takes time in proportion to the text', () => {
    const started = performance.now();
    for (const text of [
      'a://b:',
      'password=',
      '"password":"\\',
      '://',
      'a-',
      '-----BEGIN PRIVATE KEY-----',
      "pwd='",
      'bearer ',
    ]) {
      redact(text.repeat(20_000));
      redact(`${text.repeat(20_000)}@`);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

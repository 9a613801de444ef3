import { isIP } from 'node:net';
import { z } from 'zod';
import { TenonError } from '../model/errors.ts';
import { CONNECTION_KINDS, SSL_MODES, type ConnectionDraft, type ConnectionKind, type ConnectionOptions } from './connections.ts';

const HOST = z.string().refine((host) => isHost(host), 'is no host name, no IP and no folder of a socket');
const NAME = z.string().min(1).max(200);

const AWS = {
  endpoint: z
    .string()
    .max(1_000)
    .refine(isEndpoint, 'must be http://host:port or https://host, without user and path')
    .optional(),
  region: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,40}$/, 'is no region')
    .optional(),
  accessKeyId: z
    .string()
    .regex(/^[\w.@+=:/-]{1,128}$/, 'is no access key id')
    .optional(),
  profile: NAME.optional(),
};

const LIMITS_AND_TLS = {
  sslmode: z.enum(SSL_MODES).default('prefer'),
  sslrootcert: z.string().startsWith('/', 'must be the whole path of a file').max(4_096).optional(),
  statementTimeoutMs: z.int().min(1).max(86_400_000).optional(),
};

const SHAPES = {
  s3: z.strictObject({ ...AWS, pathStyle: z.boolean().optional() }),
  dynamodb: z.strictObject(AWS),
  // What a password is sent by is written out, so that nobody can add to it later what was left open.
  postgres: z.strictObject({
    host: HOST.default('localhost'),
    port: z.int().min(1).max(65_535).default(5432),
    database: NAME.optional(),
    user: NAME.default('postgres'),
    ...LIMITS_AND_TLS,
  }),
  mysql: z.strictObject({
    host: HOST.default('localhost'),
    port: z.int().min(1).max(65_535).default(3306),
    database: NAME.optional(),
    user: NAME.default('root'),
    ...LIMITS_AND_TLS,
  }),
} as const;

/** Where a secret of this kind goes, and how protected: when one of these changes, the old secret must not follow. */
export const LEADS_TO: Readonly<Record<ConnectionKind, readonly string[]>> = {
  s3: ['endpoint', 'accessKeyId'],
  postgres: ['host', 'port', 'user', 'sslmode', 'sslrootcert'],
  mysql: ['host', 'port', 'user', 'sslmode', 'sslrootcert'],
  dynamodb: ['endpoint', 'accessKeyId'],
};

/** Checks a draft whole. Throws one BAD_INPUT that names every mistake. */
export function checkDraft(draft: ConnectionDraft): { kind: ConnectionKind; options: ConnectionOptions } {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(draft.name)) {
    throw new TenonError(
      'BAD_INPUT',
      'A connection’s name has 1 to 128 letters, digits, - and _, and begins with a letter or digit.',
    );
  }
  const kind = CONNECTION_KINDS.find((known) => known === draft.kind);
  if (kind === undefined) {
    throw new TenonError(
      'BAD_INPUT',
      `A connection’s kind is one of ${CONNECTION_KINDS.join(', ')}, not «${draft.kind.slice(0, 40)}».`,
    );
  }
  if (draft.secret === '' || (draft.secret?.length ?? 0) > 10_000) {
    throw new TenonError('BAD_INPUT', 'A connection’s secret has 1 to 10,000 characters.');
  }
  const parsed = SHAPES[kind].safeParse(draft.options);
  if (parsed.success) return { kind, options: withoutUndefined(parsed.data) };
  const mistakes = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`);
  throw new TenonError('BAD_INPUT', `The connection «${draft.name}» is not right. ${mistakes.join('; ')}.`, { mistakes });
}

function withoutUndefined(options: Readonly<Record<string, string | number | boolean | undefined>>): ConnectionOptions {
  return Object.fromEntries(
    Object.entries(options).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined),
  );
}

export function isHost(host: string): boolean {
  if (host.length > 255) return false;
  return isIP(host) !== 0 || /^\/[^\0\n]*$/.test(host) || /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$/.test(host);
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.pathname === '/'
  );
}

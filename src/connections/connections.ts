import type { Readable } from 'node:stream';
import type { Write } from '../changes/write.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import type { DynamodbOptions, DynamodbSource } from './dynamodb.ts';
import type { ObjectStore } from './object-store.ts';

/** How to reach what is outside. A connection has a name; whoever uses it never sees its secret. */
export interface Connections {
  /**
   * The store of an address. Without a connection `s3://` follows the AWS environment and profile, `file://` needs none.
   * Opens nothing yet. Throws BAD_INPUT for an address that is none, NOT_FOUND for a connection that does not exist.
   */
  objectStore(address: string, connection?: string): Promise<ObjectStore>;
  /**
   * A Postgres to read from. What the connection says about host, port, user and TLS stands; `options` may add to it but
   * not contradict it, or the connection's password could be sent elsewhere. Without a connection, `options` and PG* variables.
   */
  postgres(connection: string | undefined, options?: PostgresOptions): Promise<PostgresSource>;
  /** The DynamoDB of a region. Without a connection it follows the AWS environment and profile; `options` may choose the region. */
  dynamodb(connection: string | undefined, options?: Pick<DynamodbOptions, 'region'>): Promise<DynamodbSource>;
  /** The same for a MySQL or MariaDB; no variables of the environment are looked at. */
  mysql(connection: string | undefined, options?: MysqlOptions): Promise<MysqlSource>;
  /** Makes a connection or changes it. */
  define(w: Write, draft: ConnectionDraft): Promise<Connection>;
  find(as: Principal, name: string): Promise<Connection | undefined>;
  list(as: Principal, page: PageRequest): Promise<Page<Connection>>;
  /** Throws NOT_FOUND. */
  drop(w: Write, name: string): Promise<void>;
  /** Ends all pools and clients. */
  close(): Promise<void>;
}

export const CONNECTION_KINDS = ['s3', 'postgres', 'mysql', 'dynamodb'] as const;
export type ConnectionKind = (typeof CONNECTION_KINDS)[number];

/** What may be shown of a connection: all but its secret. */
export interface Connection {
  readonly id: string;
  readonly name: string;
  readonly kind: ConnectionKind;
  readonly options: ConnectionOptions;
  readonly hasSecret: boolean;
}

export type ConnectionOptions = Readonly<Record<string, string | number | boolean>>;

export interface ConnectionDraft {
  readonly name: string;
  readonly kind: string;
  /** `S3Options`, `PostgresOptions`, `MysqlOptions` or `DynamodbOptions`. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * The password of a Postgres or MySQL, the secret access key of S3 or DynamoDB. Left out: the one that is there stays, unless the
   * connection now leads elsewhere; a secret never follows to another host. Null takes it away.
   */
  readonly secret?: string | null;
}

export interface S3Options {
  /** `http://127.0.0.1:9000`; left out: AWS, or AWS_ENDPOINT_URL_S3. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly accessKeyId?: string | undefined;
  /** A profile of the server's ~/.aws, instead of a key. */
  readonly profile?: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Left out: for an endpoint that is an IP or localhost. */
  readonly pathStyle?: boolean | undefined;
}

export const SSL_MODES = ['disable', 'prefer', 'require', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

export interface PostgresOptions {
  /** A name, an IP, or the folder of a Unix socket. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly user?: string | undefined;
  readonly sslmode?: SslMode | undefined;
  /** A file on this machine with the authorities (PEM) that `verify-full` trusts, instead of the public ones. */
  readonly sslrootcert?: string | undefined;
  /** One statement may take this long. */
  readonly statementTimeoutMs?: number | undefined;
}

/** The same words, so that one has to be known. */
export type MysqlOptions = PostgresOptions;

/** A database to read from: every session is read-only and has its timeouts set. */
export interface PostgresSource {
  /** `postgres://host:5432/database`: never with a user or a password. */
  readonly address: string;
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Rows as arrays, a batch at a time, at the reader's pace. */
  stream(text: string, values?: readonly unknown[], signal?: AbortSignal): AsyncIterable<unknown[]>;
  /** `copy (…) to stdout`: its bytes as the server sends them. */
  copyOut(sql: string, signal?: AbortSignal): Promise<Readable>;
  /** One repeatable-read transaction: all that is asked through it is of one moment. Close it. */
  snapshot(): Promise<PostgresSnapshot>;
}

/** As of Postgres, but that a stream has values as bytes (Buffer). */
export type MysqlSource = Omit<PostgresSource, 'copyOut' | 'snapshot'> & { snapshot(): Promise<MysqlSnapshot> };
export type MysqlSnapshot = Omit<PostgresSnapshot, 'peek'>;

export interface PostgresSnapshot {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Like `query`, but a failure leaves the snapshot usable. */
  attempt<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Like `attempt`, for what has to lock a table to look at it: waits for others only so long, and keeps no lock. */
  peek<Row extends object>(text: string, values: readonly unknown[], lockTimeoutMs: number): Promise<Row[]>;
  close(): Promise<void>;
}

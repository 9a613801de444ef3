/** A place in the log. Opaque outside; positions of one log compare as numbers, and their order is the order of commits. */
export type Position = bigint;

export const CHANGE_KINDS = [
  'database.created',
  'database.changed',
  'database.dropped',
  'table.created',
  'table.changed',
  'table.dropped',
  'partitions.changed',
  'connection.created',
  'connection.changed',
  'connection.dropped',
  'crawler.defined',
  'crawler.dropped',
  'removal.parked',
  'removal.decided',
  'classifier.defined',
  'classifier.dropped',
  'job.defined',
  'job.accepted',
  'job.dropped',
  'principal.created',
  'principal.changed',
  'token.created',
  'token.revoked',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** One entry of the log: what happened to one subject in one transaction. */
export interface Change {
  readonly position: Position;
  readonly at: Date;
  readonly kind: ChangeKind;
  /** The id of the row that it is about. */
  readonly subject: string;
  readonly database?: string | undefined;
  readonly table?: string | undefined;
  /** The principal's name, the owner it wrote for (`api`, `crawler:x`, `job:y`) and the run, if any. */
  readonly by: { readonly principal: string; readonly owner: string; readonly runId?: string | undefined };
  readonly before?: unknown;
  readonly after?: unknown;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** Details of a change of partitions: how many, and the first and last of their keys, as Hive writes them. */
export interface PartitionSummary {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly first?: string;
  readonly last?: string;
}

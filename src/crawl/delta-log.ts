import { TenonError } from '../model/errors.ts';
import type { ObjectFinding } from './crawler.ts';
import type { Action, ReadCheckpoint } from './delta-checkpoint.ts';
import { asList, asNumber, asObject, asText, readExactJson, type Json } from './exact-json.ts';
import { readWhole, tooLarge, unreadable } from './lake-read.ts';
import type { LakeLimits, LakeRoot } from './lake-root.ts';

/** Which files of a log make the newest version: the newest checkpoint that is whole, and all commits after it. */
export interface DeltaLog {
  readonly version: number;
  readonly checkpoint: readonly ObjectFinding[];
  readonly commits: readonly ObjectFinding[];
}

/** What is in force at the newest version. */
export interface DeltaState {
  readonly protocol: { readonly [name: string]: Json };
  readonly metaData: { readonly [name: string]: Json };
  readonly adds: readonly DeltaAdd[];
  /** Of the last commit that told it, in milliseconds since 1970. */
  readonly committedAt: number | undefined;
}

interface DeltaAdd {
  /** As it stands in the log: percent-encoded, mostly below the root. */
  readonly path: string;
  readonly size: number;
  readonly partitionValues: ReadonlyMap<string, string | null>;
  readonly rows: bigint | undefined;
  /** Some of its rows are deleted, and a file beside it says which. */
  readonly deletionVector: boolean;
}

const FOLDER = '_delta_log/';
const COMMIT = /^_delta_log\/(\d{20})\.json$/;
const CHECKPOINT = /^_delta_log\/(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/;

export function isDeltaMetadata(path: string): boolean {
  return path.startsWith(FOLDER) && (COMMIT.test(path) || CHECKPOINT.test(path));
}

/** Undefined: there is no Delta log. Throws DATA_UNREADABLE when commits are missing in it. */
export function findDeltaLog({ path, metadata }: LakeRoot): DeltaLog | undefined {
  const commits = new Map<number, ObjectFinding>();
  const checkpoints = new Map<number, { of: number; parts: ObjectFinding[] }>();
  for (const [name, object] of metadata) {
    const commit = COMMIT.exec(name);
    const checkpoint = CHECKPOINT.exec(name);
    if (commit !== null) commits.set(Number(commit[1]), object);
    if (checkpoint === null) continue;
    const one = checkpoints.get(Number(checkpoint[1])) ?? { of: Number(checkpoint[3] ?? 1), parts: [] };
    checkpoints.set(Number(checkpoint[1]), { of: one.of, parts: [...one.parts, object] });
  }
  if (commits.size === 0 && checkpoints.size === 0) return undefined;
  const whole = [...checkpoints].filter(([, { of, parts }]) => parts.length >= of).toSorted(([a], [b]) => b - a);
  const [from, checkpoint] = whole[0] ?? [-1, undefined];
  const version = [...commits.keys()].reduce((most, number) => Math.max(most, number), from);
  const after: ObjectFinding[] = [];
  for (let number = from + 1; number <= version; number += 1) {
    const commit = commits.get(number);
    if (commit === undefined)
      throw unreadable(`${path}${FOLDER}`, `lacks the commit ${number}, and has no checkpoint that stands for it`);
    after.push(commit);
  }
  return { version, checkpoint: checkpoint?.parts ?? [], commits: after };
}

/** Replays a log. Throws LIMIT when it is too large, and DATA_UNREADABLE for what is no log. */
export async function readDeltaLog(
  root: LakeRoot,
  log: DeltaLog,
  limits: LakeLimits,
  readCheckpoint: ReadCheckpoint,
): Promise<DeltaState> {
  const all = [...log.checkpoint, ...log.commits];
  const size = all.reduce((sum, object) => sum + object.size, 0);
  if (size > limits.metadataBytes) throw tooLarge(`${root.path}${FOLDER}`, size, limits.metadataBytes);
  const replay = new Replay(root.path, limits);
  for (const part of log.checkpoint) for (const action of await readCheckpoint(part)) replay.take(action, part.path);
  for (const commit of log.commits) {
    const text = (await readWhole(commit, limits.metadataBytes)).toString('utf8');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const actions = lines.map((line) => asObject(readExactJson(commit.path, line)));
    // A file may be removed and added anew in one commit, in any order.
    for (const action of actions) if (action['remove'] !== undefined) replay.take(action, commit.path);
    for (const action of actions) if (action['remove'] === undefined) replay.take(action, commit.path);
  }
  return replay.state();
}

class Replay {
  private readonly path: string;
  private readonly limits: LakeLimits;
  private readonly adds = new Map<string, DeltaAdd>();
  private protocol: Action | undefined;
  private metaData: Action | undefined;
  private committedAt: number | undefined;

  constructor(path: string, limits: LakeLimits) {
    this.path = path;
    this.limits = limits;
  }

  take(action: Action, path: string): void {
    const of = (name: string): Action | undefined => (isThere(action[name]) ? asObject(action[name]) : undefined);
    this.protocol = of('protocol') ?? this.protocol;
    this.metaData = of('metaData') ?? this.metaData;
    const commit = of('commitInfo');
    if (commit !== undefined) this.committedAt = asNumber(commit['timestamp']) ?? this.committedAt;
    const remove = of('remove');
    if (remove !== undefined) this.adds.delete(keyOf(remove));
    const add = of('add');
    if (add === undefined) return;
    if (this.adds.size >= this.limits.files) throw tooMany(this.path, this.limits.files);
    this.adds.set(keyOf(add), addOf(add, path));
  }

  state(): DeltaState {
    const { protocol, metaData, committedAt } = this;
    if (protocol === undefined || metaData === undefined)
      throw unreadable(`${this.path}${FOLDER}`, 'does not say what the table is: it has no metaData or no protocol');
    return { protocol, metaData, committedAt, adds: [...this.adds.values()] };
  }
}

function isThere(json: Json | undefined): boolean {
  return json !== undefined && json !== null;
}

/** A file with some rows deleted is another one than the same file with others deleted. */
function keyOf(action: Action): string {
  const vector = asObject(action['deletionVector']);
  return JSON.stringify([
    action['path'],
    vector['storageType'] ?? null,
    vector['pathOrInlineDv'] ?? null,
    vector['offset'] ?? null,
  ]);
}

function addOf(add: Action, path: string): DeltaAdd {
  const name = asText(add['path']);
  const size = Number(asText(add['size']));
  if (name === undefined || !Number.isSafeInteger(size) || size < 0)
    throw unreadable(path, 'adds a file without a path or a size');
  const vector = isThere(add['deletionVector']) ? asObject(add['deletionVector']) : undefined;
  const rows = rowsOf(add);
  const deleted = vector === undefined ? 0n : BigInt(asText(vector['cardinality']) ?? 0);
  return {
    path: name,
    size,
    partitionValues: valuesOf(add['partitionValues']),
    rows: rows === undefined ? undefined : rows - deleted,
    deletionVector: vector !== undefined,
  };
}

/** A checkpoint may have them as entries of a map. */
function valuesOf(json: Json | undefined): Map<string, string | null> {
  const entries = Array.isArray(json)
    ? asList(json).map((pair): [string, Json | undefined] => [asText(asObject(pair)['key']) ?? '', asObject(pair)['value']])
    : Object.entries(asObject(json));
  // The empty text stands for null.
  return new Map(entries.map(([name, value]) => [name, asText(value) || null]));
}

function rowsOf(add: Action): bigint | undefined {
  const text = add['stats'];
  let count: Json | undefined = asObject(add['stats_parsed'])['numRecords'];
  if (typeof text === 'string') {
    try {
      count = asObject(JSON.parse(text) as Json)['numRecords'];
    } catch {
      // Statistics are a help, and no more.
      count = undefined;
    }
  }
  return /^\d{1,18}$/.test(asText(count) ?? '') ? BigInt(asText(count) ?? 0) : undefined;
}

function tooMany(path: string, files: number): TenonError {
  return new TenonError('LIMIT', `${path} has more than ${files} files; that is the limit (partitionFiles).`, {
    path,
    limit: 'partitionFiles',
  });
}

import { foldName } from '../model/names.ts';
import type { Column, Format, Schema } from '../model/schema.ts';
import { diffSchemas, type SchemaChange } from '../model/schema-diff.ts';
import type { Table, TableDraft } from '../model/table.ts';
import type { ColumnType, StructField } from '../model/types.ts';
import type { CrawlerDefinition } from './crawlers.ts';
import type { CrawlSettings } from './settings.ts';

/** The parameter of a table that its crawler no longer finds, or that no longer is what it was: since when, and which run. */
export const DEPRECATED = 'deprecated_by_crawler';
/** The parameter that says which paths below the crawler's source are no part of its tables, as a JSON list of patterns. */
const EXCLUSIONS = 'exclusions';

/** What a crawler's settings let become of a table that is known already. */
export interface TablePolicy {
  readonly update: CrawlSettings['updateBehavior'];
  readonly gone: CrawlSettings['deleteBehavior'];
  /** Partitions have no format and no columns of their own. */
  readonly inherit: boolean;
  readonly exclusions: readonly string[];
  /** What DEPRECATED says when this run is the one that marks a table. */
  readonly mark: string;
}

export function policyOf({ settings, options }: Pick<CrawlerDefinition, 'settings' | 'options'>, mark: string): TablePolicy {
  const patterns = options['exclude'];
  return {
    update: settings.updateBehavior,
    gone: settings.deleteBehavior,
    inherit: settings.partitionBehavior === 'inherit',
    // Of crawlers of objects; the filters of a database have another shape, and its tables have no paths.
    exclusions: Array.isArray(patterns) ? patterns.filter((pattern) => typeof pattern === 'string') : [],
    mark,
  };
}

/** A table as it is to be recorded, and what is only told about its source. */
export interface Allowed {
  readonly draft: TableDraft;
  readonly told: readonly string[];
}

/**
 * What becomes of a table whose source is now as the draft says. Partition keys follow the source under every policy: a new
 * partition has to fit. So do the files of partitions, which are what is there, and no change of a schema.
 */
export function allow({ update, mark }: TablePolicy, before: Table | undefined, draft: TableDraft): Allowed {
  if (before === undefined || update === 'update') return { draft, told: [] };
  const name = `${before.database}.${before.name}`;
  const { columns } = before.schema;
  const format = before.format ?? draft.format;
  if (update === 'log') {
    const kept = withFormat({ ...draft, schema: { ...draft.schema, columns } }, format);
    const differences = differencesOf(before, draft, before.format);
    return {
      draft: kept,
      told:
        differences.length === 0
          ? []
          : [`The source of ${name} has changed, and the table stays as it is: ${listOf(differences)}.`],
    };
  }
  const merged = { ...draft.schema, columns: mergeColumns(columns, draft.schema.columns) };
  const kept = withFormat({ ...draft, schema: merged }, format);
  const clashes = clashesOf(before.format, draft.format);
  const left = differencesOf({ schema: merged }, draft, undefined);
  const told = left.length === 0 ? [] : [`Only new columns are added to ${name}; left as they were: ${listOf(left)}.`];
  if (clashes.length === 0) return { draft: kept, told };
  const parameters = { ...kept.parameters, [DEPRECATED]: before.parameters[DEPRECATED] ?? mark };
  return {
    draft: { ...kept, parameters },
    told: [...told, `The files of ${name} are of another kind now (${clashes.join(', ')}), so it is marked as deprecated.`],
  };
}

/** A table that is no longer found, marked and else as it is. */
export function deprecated(table: Table, mark: string): TableDraft {
  const { database, name, type, location, format, connection, schema, parameters } = table;
  return {
    database,
    name,
    type,
    schema,
    ...(location !== undefined && { location }),
    ...(format !== undefined && { format }),
    ...(connection !== undefined && { connection }),
    parameters: { ...parameters, [DEPRECATED]: parameters[DEPRECATED] ?? mark },
  };
}

/** What the crawler itself says about a table that it finds; the other parameters are a person's, and stay. */
export function ownParameters(before: Table | undefined, { exclusions }: TablePolicy): Record<string, string> {
  const { [DEPRECATED]: _mark, [EXCLUSIONS]: _patterns, ...others } = before?.parameters ?? {};
  return { ...others, ...(exclusions.length > 0 && { [EXCLUSIONS]: JSON.stringify(exclusions) }) };
}

function withFormat({ format: _format, ...draft }: TableDraft, format: Format | undefined): TableDraft {
  return { ...draft, ...(format !== undefined && { format }) };
}

/** All that is there as it is, with new columns behind it, and new fields in structs, however deep. */
function mergeColumns(before: readonly Column[], found: readonly Column[]): Column[] {
  const known = new Set(before.map(({ name }) => foldName(name)));
  const byName = new Map(found.map((column) => [foldName(column.name), column]));
  const kept = before.map((column) => {
    const now = byName.get(foldName(column.name));
    return now === undefined ? column : { ...column, type: mergeType(column.type, now.type) };
  });
  return [...kept, ...found.filter(({ name }) => !known.has(foldName(name)))];
}

function mergeType(before: ColumnType, found: ColumnType): ColumnType {
  if (before.kind === 'array' && found.kind === 'array')
    return { kind: 'array', element: mergeType(before.element, found.element) };
  if (before.kind === 'map' && found.kind === 'map') return { ...before, value: mergeType(before.value, found.value) };
  if (before.kind !== 'struct' || found.kind !== 'struct') return before;
  return { kind: 'struct', fields: mergeFields(before.fields, found.fields) };
}

function mergeFields(before: readonly StructField[], found: readonly StructField[]): StructField[] {
  const known = new Set(before.map(({ name }) => foldName(name)));
  const byName = new Map(found.map((field) => [foldName(field.name), field]));
  const kept = before.map((field) => {
    const now = byName.get(foldName(field.name));
    return now === undefined ? field : { ...field, type: mergeType(field.type, now.type) };
  });
  return [...kept, ...found.filter(({ name }) => !known.has(foldName(name)))];
}

/** Attributes that make files unreadable as what the table says they are. */
function clashesOf(before: Format | undefined, found: Format | undefined): string[] {
  if (before === undefined || found === undefined) return [];
  if (before.name !== found.name) return [`classification ${shown(before.name)} → ${shown(found.name)}`];
  const pairs = [
    ['compression', before.compression, found.compression],
    ['delimiter', before.options?.['delimiter'], found.options?.['delimiter']],
  ] as const;
  return pairs.flatMap(([what, a, b]) => (a === b ? [] : [`${what} ${shown(a)} → ${shown(b)}`]));
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}

const SHOWN_KINDS: ReadonlySet<SchemaChange['kind']> = new Set(['added', 'removed', 'retyped']);

function differencesOf(before: { readonly schema: Schema }, draft: TableDraft, format: Format | undefined): string[] {
  const keys = draft.schema.partitionKeys;
  const changes = diffSchemas({ ...before.schema, partitionKeys: keys }, draft.schema);
  return [...changes.filter(({ kind }) => SHOWN_KINDS.has(kind)).map(changeText), ...clashesOf(format, draft.format)];
}

function changeText({ kind, path, before, after }: SchemaChange): string {
  if (kind === 'added') return `+${path} ${after ?? ''}`;
  if (kind === 'removed') return `−${path}`;
  return `${path} ${before ?? ''} → ${after ?? ''}`;
}

const LISTED = 10;

function listOf(texts: readonly string[]): string {
  const rest = texts.length > LISTED ? ` and ${texts.length - LISTED} more` : '';
  return texts.slice(0, LISTED).join(', ') + rest;
}

import { compatibility, type Compatibility } from '../src/model/compatibility.ts';
import { TenonError } from '../src/model/errors.ts';
import { diffSchemas, type SchemaChange } from '../src/model/schema-diff.ts';
import type { Version } from '../src/model/table.ts';
import { builder } from './builder.ts';
import { ColumnRef } from './column.ts';

export const VersionRef = builder.objectRef<Version>('Version').implement({
  description: 'An immutable schema of a table. The same schema again makes no new version.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'Counted from 1.' }),
    hash: t.exposeString('hash', { description: 'Of its content: equal schemas have equal hashes, whatever the table.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was recorded.' }),
    position: t.field({ type: 'Position', description: 'Its place in the log.', resolve: ({ added }) => added }),
    runId: t.id({
      nullable: true,
      description: 'The run that recorded it, if one did.',
      resolve: ({ runId }) => (runId === undefined ? null : `Run:${runId}`),
    }),
    columns: t.field({
      type: [ColumnRef],
      description: 'Without the partition keys.',
      resolve: ({ schema }) => [...schema.columns],
    }),
    partitionKeys: t.field({
      type: [ColumnRef],
      description: 'In the order of the folders.',
      resolve: ({ schema }) => [...schema.partitionKeys],
    }),
  }),
});

export const VersionConnection = builder.connectionObject(
  { type: VersionRef, name: 'VersionConnection', description: 'A page of versions.' },
  { name: 'VersionEdge', description: 'A version in a list.' },
);

const KINDS: Readonly<Record<SchemaChange['kind'], string>> = {
  added: 'A column or a nested field is new.',
  removed: 'It is gone.',
  retyped: 'Its type is another.',
  nullability: 'Null is allowed now, or is no longer.',
  sourceType: 'The source’s own type text is another.',
  comment: 'Its comment is another.',
  moved: 'It stands in another place.',
};

const SchemaChangeKindRef = builder.enumType('SchemaChangeKind', {
  description: 'What is different about a column.',
  values: Object.fromEntries(
    Object.entries(KINDS).map(([kind, description]) => [constantCase(kind), { value: kind, description }]),
  ),
});

/** `sourceType` → `SOURCE_TYPE`. */
function constantCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

export const SchemaChangeRef = builder.objectRef<SchemaChange>('SchemaChange').implement({
  description: 'One difference between two versions.',
  fields: (t) => ({
    kind: t.field({ type: SchemaChangeKindRef, description: 'What is different.', resolve: ({ kind }) => kind }),
    path: t.exposeString('path', { description: 'The innermost thing that differs: `address.street`, `items[].price`.' }),
    before: t.field({
      type: 'JSON',
      nullable: true,
      description: 'A type, a text, true or false, or a place; null where there was none.',
      resolve: ({ before }) => before ?? null,
    }),
    after: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The same on the other side.',
      resolve: ({ after }) => after ?? null,
    }),
    partitionKey: t.boolean({ description: 'True for a partition key.', resolve: ({ partitionKey }) => partitionKey ?? false }),
  }),
});

const CompatibilityRef = builder.enumType('Compatibility', {
  description: 'Who can still read what, in the words of schema registries.',
  values: {
    FULL: { value: 'FULL', description: 'Readers of either version can read the rows of the other.' },
    BACKWARD: { value: 'BACKWARD', description: 'Who reads with the newer version can read the older rows.' },
    FORWARD: { value: 'FORWARD', description: 'Who reads with the older version can read the newer rows.' },
    NONE: { value: 'NONE', description: 'Neither.' },
  } as const,
});

export interface Diff {
  readonly from: Version;
  readonly to: Version;
  readonly changes: readonly SchemaChange[];
  readonly compatibility: Compatibility;
}

export const DiffRef = builder.objectRef<Diff>('SchemaDiff').implement({
  description: 'What leads from one version of a table to another.',
  fields: (t) => ({
    from: t.field({ type: VersionRef, description: 'The version it starts from.', resolve: (diff) => diff.from }),
    to: t.field({ type: VersionRef, description: 'The version it leads to.', resolve: (diff) => diff.to }),
    changes: t.field({
      type: [SchemaChangeRef],
      description: 'In the order of the columns, outer before inner.',
      resolve: (diff) => [...diff.changes],
    }),
    compatibility: t.field({ type: CompatibilityRef, description: 'The verdict.', resolve: (diff) => diff.compatibility }),
  }),
});

export function diffOf(from: Version, to: Version): Diff {
  const changes = diffSchemas(from.schema, to.schema);
  return { from, to, changes, compatibility: compatibility(changes) };
}

export function needVersion(version: Version | undefined, number: number): Version {
  if (version !== undefined) return version;
  throw new TenonError('NOT_FOUND', `The table has no version ${number}.`, { version: number });
}

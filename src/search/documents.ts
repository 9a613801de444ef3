import { redact } from '../access/redact.ts';
import { formatPath, type PathStep } from '../model/column-path.ts';
import type { Column } from '../model/schema.ts';
import type { Database, Table } from '../model/table.ts';
import type { ColumnType } from '../model/types.ts';
import type { Document } from './search-index.ts';

/** More of a description is neither searched nor shown in a hit. */
const MAX_DESCRIPTION_CHARS = 2_000;

export function databaseDocument(database: Database): Document {
  return {
    id: `database:${database.id}`,
    kind: 'database',
    name: database.name,
    path: [database.name],
    description: describe(database.description),
  };
}

export interface TableDocuments {
  readonly documents: readonly Document[];
  /** How many columns stayed out because of `maxColumns`. */
  readonly leftOut: number;
}

/**
 * A document for the table and one for each of its columns and partition keys, fields of structs in them included. Beyond
 * `maxColumns` the rest is left out, the deepest first: every column of the top level comes before any nested one.
 */
export function tableDocuments(table: Table, maxColumns: number): TableDocuments {
  const name = [table.database, table.name];
  const documents: Document[] = [
    {
      id: `table:${table.id}`,
      kind: 'table',
      name: name.join('.'),
      path: name,
      tableId: table.id,
      description: describe(table.description),
    },
  ];
  let leftOut = 0;
  for (const { steps, comment } of byDepth([...table.schema.columns, ...table.schema.partitionKeys])) {
    if (documents.length > maxColumns) leftOut += 1;
    else documents.push(columnDocument(table, name, steps, comment));
  }
  return { documents, leftOut };
}

function columnDocument(
  table: Table,
  tablePath: readonly string[],
  steps: readonly PathStep[],
  comment: string | undefined,
): Document {
  const path = formatPath(steps);
  return {
    id: `column:${table.id}:${path}`,
    kind: 'column',
    name: `${tablePath.join('.')}.${path}`,
    path: [...tablePath, ...steps.flatMap((step) => (typeof step === 'string' ? [] : [step.name]))],
    tableId: table.id,
    description: describe(comment),
  };
}

/** A secret that somebody wrote into a comment is not made easier to find. */
function describe(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === ''
    ? undefined
    : redact(text.slice(0, MAX_DESCRIPTION_CHARS)).replaceAll('\u0000', ' ');
}

interface Place {
  readonly steps: readonly PathStep[];
  readonly type: ColumnType;
  readonly comment?: string | undefined;
}

function* byDepth(columns: readonly Column[]): Iterable<Place> {
  const count = counter();
  let level: Place[] = columns.map(({ name, type, comment }) => ({ steps: [{ name, nth: count(name) }], type, comment }));
  while (level.length > 0) {
    yield* level;
    level = level.flatMap(({ steps, type }) => fieldsBelow(steps, type));
  }
}

/** The nearest named things inside a type: through arrays and maps, down to the fields of structs. */
function fieldsBelow(steps: readonly PathStep[], type: ColumnType): Place[] {
  if (type.kind === 'array') return fieldsBelow([...steps, 'element'], type.element);
  if (type.kind === 'map') return [...fieldsBelow([...steps, 'key'], type.key), ...fieldsBelow([...steps, 'value'], type.value)];
  if (type.kind !== 'struct') return [];
  const count = counter();
  return type.fields.map((field) => ({ steps: [...steps, { name: field.name, nth: count(field.name) }], type: field.type }));
}

function counter(): (name: string) => number {
  const counts = new Map<string, number>();
  return (name) => {
    const nth = counts.get(name) ?? 0;
    counts.set(name, nth + 1);
    return nth;
  };
}

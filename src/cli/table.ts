import type { Command } from 'commander';
import { TenonError } from '../model/errors.ts';
import type { PartitionStats } from '../model/partition-stats.ts';
import { moreText, nextOf, nodesOf, pageOptions, type Connection, type Perform } from './command.ts';
import { numberOf, sizeText } from './output.ts';
import { TABLE_FIELDS, tableJson, type ColumnAnswer, type TableAnswer } from './tables.ts';
import { entityTypesText, type Details } from './entity-types.ts';
import { plain, textTable } from './text-table.ts';

interface PartitionAnswer {
  readonly values: Record<string, string | null>;
  readonly location: string;
  readonly format: { readonly name: string } | null;
  readonly rows: string | null;
  readonly bytes: string | null;
  readonly files: number;
  readonly stats: PartitionStats | null;
  readonly deviates: boolean;
  readonly diff: readonly { readonly kind: string; readonly path: string; readonly before: unknown; readonly after: unknown }[];
}

interface Answer extends TableAnswer {
  readonly description: string | null;
  readonly owner: string;
  readonly parameters: Record<string, string>;
  readonly details: Details | null;
  readonly shown: {
    readonly number: number;
    readonly at: string;
    readonly columns: readonly Shown[];
    readonly partitionKeys: readonly Shown[];
  };
  readonly totals: { readonly partitions: number; readonly rows: string | null; readonly bytes: string; readonly files: number };
  readonly partitions: Connection<PartitionAnswer>;
}

interface Shown extends ColumnAnswer {
  readonly nullable: boolean;
  readonly comment: string | null;
  readonly sourceType: string | null;
}

const QUERY = `query ($name: String!, $version: Int, $predicate: String, $deviating: Boolean, $first: Int, $after: String) {
  table(name: $name) {
    ${TABLE_FIELDS} description owner parameters details
    shown: version(number: $version) { number at columns { ...column } partitionKeys { ...column } }
    totals { partitions rows bytes files }
    partitions(predicate: $predicate, deviating: $deviating, first: $first, after: $after) {
      edges { node { values location format { name } rows bytes files stats deviates diff { kind path before after } } } pageInfo { hasNextPage endCursor }
    }
  }
}
fragment column on Column { name type nullable comment sourceType }`;

interface Options {
  readonly version?: string;
  readonly partitions?: string;
  readonly deviating?: boolean;
  readonly limit: number;
  readonly after?: string;
}

export function addTable(program: Command, perform: Perform): void {
  const command = program
    .command('table')
    .summary('show a table: its columns, versions and partitions')
    .argument('<name>', 'with its database: lake.sales')
    .option('--version <n>', 'its columns as they were in this version')
    .option('--partitions <predicate>', 'only partitions for which this holds')
    .option('--deviating', 'only partitions whose own columns are not those of the table')
    .addHelpText('after', '\nExample:\n  tenon table lake.sales --partitions "dt >= \'2026-01-01\'"');
  pageOptions(command, 100).action(async (name: string, _options, self: Command) => {
    const { version, partitions, deviating, limit, after } = self.opts<Options>();
    await perform(self, async (client) => {
      const variables = { name, version: versionOf(version), predicate: partitions, deviating, first: limit, after };
      const { table } = await client.ask<{ table: Answer | null }>(QUERY, variables);
      if (table === null) throw new TenonError('NOT_FOUND', `There is no table ${plain(name).slice(0, 200)}.`, { table: name });
      return outcomeOf(table);
    });
  });
}

export function versionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new TenonError('BAD_INPUT', `«${plain(text).slice(0, 40)}» is no version: versions are counted from 1.`);
  return Number(text);
}

function outcomeOf(table: Answer) {
  // A table without partition keys keeps its files in one partition without values; to a person it has none.
  const partitions = table.partitionKeys.length === 0 ? [] : nodesOf(table.partitions).map(partitionJson);
  const next = nextOf(table.partitions.pageInfo);
  const { columns, partitionKeys, number } = table.shown;
  const json = {
    table: {
      ...tableJson({ ...table, columns, partitionKeys, version: { number } }),
      description: table.description,
      owner: table.owner,
      parameters: table.parameters,
      ...(table.details !== null && { details: table.details }),
      totals: { ...table.totals, rows: numberOf(table.totals.rows), bytes: numberOf(table.totals.bytes) },
      partitions,
      ...(next !== null && { next }),
    },
  };
  return { json, text: tableText(table, partitions) + moreText(next) };
}

function partitionJson({ values, location, format, rows, bytes, files, stats, deviates, diff }: PartitionAnswer) {
  return {
    values,
    location,
    ...(format !== null && { format: format.name }),
    rows: numberOf(rows),
    bytes: numberOf(bytes),
    files,
    ...(stats !== null && { stats }),
    ...(deviates && { diff }),
  };
}

function tableText(table: Answer, partitions: readonly ReturnType<typeof partitionJson>[]): string {
  const { shown, totals } = table;
  const columns = [...shown.columns, ...shown.partitionKeys.map((key) => ({ ...key, name: `${key.name} (partition key)` }))];
  const comments = columns.some(({ comment }) => comment !== null);
  const parts = [
    `${table.database.name}.${table.name}  version ${shown.number}, ${table.format?.name ?? table.type.toLowerCase()}, by ${table.owner}`,
    `${table.location ?? ''}${table.description === null ? '' : `\n${plain(table.description)}`}`,
    [`${totals.files} files`, sizeText(totals.bytes), totals.rows === null ? '' : `${totals.rows} rows`]
      .filter((part) => part !== '')
      .join(', '),
    '',
    textTable(
      ['column', 'type', ...(comments ? ['comment'] : [])],
      columns.map(({ name, type, comment }) => [name, type, comment]),
    ),
  ];
  const entityTypes = entityTypesText(table.details);
  if (entityTypes !== undefined) parts.push('', entityTypes);
  if (partitions.length > 0) parts.push('', partitionsText(table.partitionKeys, partitions, totals.partitions));
  return parts.join('\n');
}

function partitionsText(
  keys: readonly ColumnAnswer[],
  partitions: readonly ReturnType<typeof partitionJson>[],
  all: number,
): string {
  const deviates = partitions.some(({ diff = [] }) => diff.length > 0);
  const rows = partitions.map(({ values, files, bytes, rows: count, format, diff = [] }) => [
    ...keys.map(({ name }) => values[name] ?? '(null)'),
    files,
    sizeText(bytes),
    count,
    format,
    ...(deviates ? [diff.map(differenceText).join(', ')] : []),
  ]);
  const shown = partitions.length === all ? `${all} partitions` : `${partitions.length} of ${all} partitions`;
  const names = [...keys.map(({ name }) => name), 'files', 'size', 'rows', 'own format', ...(deviates ? ['deviates'] : [])];
  return `${shown}\n${textTable(names, rows)}`;
}

/** What a partition's own columns have and the table's have not: `+extra int`, `-name`, `id bigint → string`. */
function differenceText({ kind, path, before, after }: PartitionAnswer['diff'][number]): string {
  if (kind === 'ADDED') return `+${path} ${plain(String(after))}`;
  return kind === 'REMOVED' ? `-${path}` : `${path} ${plain(String(before))} → ${plain(String(after))}`;
}

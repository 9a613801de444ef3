import { tableNameFrom } from '../model/names.ts';
import type { TableDraft } from '../model/table.ts';
import type { TableFinding } from './crawler.ts';
import type { CrawlerDefinition } from './crawlers.ts';
import { identityOf, type Known } from './known.ts';
import type { Save } from './save.ts';

/** A table that its source declares, as it is to be recorded. It has no partitions: its rows are not in files. */
export async function declaredTable(
  finding: TableFinding,
  { database, connection }: CrawlerDefinition,
  known: Known,
): Promise<Save> {
  const { name, type, location, format, columns, comment, parameters, details } = finding;
  const identity = identityOf(location, [], undefined);
  const before = known.tables.get(identity);
  const draft: TableDraft = {
    database,
    name: before?.name ?? (await known.nameFor(identity, tableNameFrom(name))),
    type,
    location,
    format,
    ...(comment !== undefined && { description: comment }),
    ...(connection !== undefined && { connection }),
    ...(parameters !== undefined && { parameters }),
    ...(details !== undefined && { details }),
    schema: { columns, partitionKeys: [] },
  };
  return { path: name, draft, before, partitions: [], ended: [] };
}

/** `postgres://host:5432/database`: where such a table is. */
export function serverOf(location: string): string {
  return location.split('/').slice(0, 4).join('/');
}

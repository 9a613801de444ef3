import type { TableDraft } from '../model/table.ts';
import type { TableFinding } from './crawler.ts';
import type { CrawlerDefinition } from './crawlers.ts';
import { identityOf, type Known } from './known.ts';
import { allow, DEPRECATED, type TablePolicy } from './policy.ts';
import { estimatePartition } from './estimates.ts';
import { isSame, type Save } from './save.ts';

/** A table that its source declares, as it is to be recorded. Its rows are not in files; a partition says how many they are. */
export async function declaredTable(
  finding: TableFinding,
  { database, connection }: CrawlerDefinition,
  known: Known,
  policy: TablePolicy,
  nameFrom: (text: string) => string,
): Promise<Save & { readonly told: readonly string[] }> {
  const { name, type, location, format, columns, comment, parameters, details } = finding;
  const identity = identityOf(location, [], undefined);
  const before = known.tables.get(identity);
  const draft: TableDraft = {
    database,
    name: before?.name ?? (await known.nameFor(identity, nameFrom(name))),
    type,
    location,
    format,
    ...(comment !== undefined && { description: comment }),
    ...(connection !== undefined && { connection }),
    ...(parameters !== undefined && { parameters }),
    ...(details !== undefined && { details }),
    schema: { columns, partitionKeys: [] },
  };
  // Where the source says nothing about parameters, those of people stay, but for our own mark: it is found again.
  const { [DEPRECATED]: mark, ...others } = before?.parameters ?? {};
  const found = parameters === undefined && mark !== undefined ? { ...draft, parameters: others } : draft;
  const { draft: allowed, told } = allow(policy, before, found);
  const one: Save = { path: name, draft: allowed, before, partitions: [], ended: [] };
  const estimate = before === undefined ? undefined : (await known.estimates()).get(before.id);
  return { ...one, partitions: estimatePartition(finding, estimate, !isSame(one)), told };
}

/** `postgres://host:5432/database`: where such a table is. */
export function serverOf(location: string): string {
  return location.split('/').slice(0, 4).join('/');
}

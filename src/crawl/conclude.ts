import type { Write } from '../changes/write.ts';
import type { Table } from '../model/table.ts';
import { decideAbsence, parkedOf, type AbsenceContext, type Parked } from './absence.ts';
import type { CrawlerDefinition } from './crawlers.ts';
import type { FoundTable } from './found-table.ts';
import { deprecated, type TablePolicy } from './policy.ts';
import { contentOf } from './removal-content.ts';
import { parkRemoval, wasRejected } from './removals.ts';
import { isSame, narrowSave, save, wideSave, type Save, type SaveContext } from './save.ts';

export interface ConclusionContext {
  readonly definition: CrawlerDefinition;
  readonly policy: TablePolicy;
  readonly absence: AbsenceContext;
  readonly save: SaveContext;
  /** Only some folders were looked at: who has done so cannot tell that nothing is missing elsewhere. */
  readonly isPartial: boolean;
  /** Notes, in the last transaction, that everything was seen; `parked`: but for what waits. */
  readonly seen: (w: Write, parked: Parked | undefined) => Promise<void>;
  /** Tells what happens to one table. */
  readonly tell: (told: readonly string[]) => void;
  readonly log: (message: string) => void;
}

/**
 * Everything was seen: decides about what was not found, saves what that comes to, and parks what is too much to happen by
 * itself. `held` are the tables from which something seems to be gone.
 */
export async function conclude(held: readonly FoundTable[], context: ConclusionContext): Promise<Parked | undefined> {
  const { definition, absence, seen, tell } = context;
  const { tables, found, missing } = await decideAbsence(held, absence);
  for (const { table, narrow } of found) tell(narrow ? table.told.narrow : table.told.wide);
  const drops = tables.flatMap((before) => goneSave(before, context));
  const saves = [...found.map(({ table, narrow }) => (narrow ? narrowSave(table) : wideSave(table))), ...drops];
  const content = missing && contentOf(missing);
  const isRejected = content !== undefined && (await wasRejected(absence.db, definition.id, content.fingerprint));
  if (isRejected) {
    const { tables: count, partitions } = content;
    context.log(`${count} tables and ${partitions} partitions are gone and stay: somebody rejected their removal.`);
  }
  let parked = missing === undefined || isRejected ? undefined : parkedOf(missing, undefined);
  const last = async (w: Write): Promise<void> => {
    await seen(w, parked);
    if (parked === undefined && context.isPartial) return;
    const removal = await parkRemoval(w, definition, parked && content);
    if (parked !== undefined) parked = { ...parked, removal };
  };
  await save(
    { ...context.save, conclude: last },
    saves.filter((one) => !isSame(one)),
  );
  return parked;
}

/** What becomes of a table that is gone from the source. */
function goneSave(before: Table, { policy, tell }: ConclusionContext): Save[] {
  const one: Save = { path: before.name, draft: undefined, before, partitions: [], ended: [] };
  if (policy.gone === 'delete') return [one];
  if (policy.gone === 'deprecate') return [{ ...one, draft: deprecated(before, policy.mark) }];
  tell([`The table ${before.database}.${before.name} is gone from the source, and stays.`]);
  return [];
}

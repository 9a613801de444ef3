import { SYSTEM } from '../access/principals.ts';
import { compareBytes } from '../connections/byte-order.ts';
import type { Db } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { listRuns } from '../work/list.ts';
import type { Run, RunContext } from '../work/run.ts';
import type { CrawlerDefinition } from './crawlers.ts';
import type { SavedCrawl } from './crawl-plan.ts';
import { Report } from './report.ts';

/** How many requests a run may make: what it was started with, else what the crawler's settings say. */
export function budgetOf({ params }: Pick<Run, 'params'>, { settings }: CrawlerDefinition): number | undefined {
  const given = params['budget'];
  if (given === undefined || given === null) return settings.budget;
  if (typeof given === 'number' && Number.isSafeInteger(given) && given > 0) return given;
  throw new TenonError('BAD_INPUT', 'The budget of a crawl is a whole number of requests above 0.');
}

/**
 * Where the crawl before ended because its budget was used up: this one goes on there, with a bill of its own. Else a budget
 * that is too small for all would get no further however often it is spent. What was unknown for another reason stays so.
 */
export async function placeToGoOn(db: Db, { run }: RunContext): Promise<SavedCrawl | null> {
  const ends = ['SUCCEEDED', 'INCOMPLETE', 'FAILED', 'STOPPED'] as const;
  const { items } = await listRuns(db, SYSTEM, { kind: run.kind, name: run.name, states: ends }, { first: 1 });
  const last = items[0]?.item;
  if (last?.error?.code !== 'BUDGET' || last.checkpoint === null) return null;
  const saved = last.checkpoint as SavedCrawl;
  const { unknowns, unknownCount } = saved.report;
  const { from } = saved;
  // Files that were not read any more lie before the place up to which all was listed: they are to be come upon again.
  const isPast = (path: string): boolean => path !== '' && from !== undefined && compareBytes(path, from.path) < 0;
  if (unknowns.some(({ path, code }) => code === 'BUDGET' && isPast(path)) || unknownCount > unknowns.length) return null;
  const others = unknowns.filter(({ code }) => code !== 'BUDGET');
  return { ...saved, report: { ...new Report(0).save(0), unknowns: others, unknownCount: others.length } };
}

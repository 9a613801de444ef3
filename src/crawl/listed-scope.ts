import type { Table } from '../model/table.ts';
import { reached } from '../model/reached.ts';
import { createCollector, folderName, type Collector } from './collect.ts';
import { collectContext, lakeContext, type CrawlPlan } from './crawl-plan.ts';
import type { ObjectFinding } from './crawler.ts';
import type { FoundTable } from './found-table.ts';
import { createGate, type Gate } from './gate.ts';
import { createGlueCollector } from './glue-collect.ts';
import { createGrouping, isIgnored, type Closed, type Grouping } from './grouping.ts';
import type { Known } from './known.ts';
import type { Peek } from './lake-roots.ts';
import { LakeTables, type FoundLakeTable } from './lake-tables.ts';
import { PartialLook } from './partial-look.ts';
import type { Parts } from './parts.ts';
import type { TablePolicy } from './policy.ts';
import type { Report } from './report.ts';
import { baseOf, Foreign } from './scope-paths.ts';
import type { Whereabouts } from './whereabouts.ts';

export interface ScopeContext {
  readonly plan: CrawlPlan;
  readonly known: Known;
  readonly report: Report;
  readonly policy: TablePolicy;
  readonly at: Whereabouts;
  readonly nameFrom: (text: string) => string;
  /** Called for each object. */
  readonly counted: (path: string) => void;
  /** A table is whole; all of it comes before the object `end`. */
  readonly found: (found: FoundTable, end: number) => void;
  /** Something was closed: a chance to save. */
  readonly closed: () => Promise<void> | undefined;
}

const NOTHING: readonly Closed[] = [];

/** A scope of objects while it is listed: what belongs to whom, and the tables that it comes to. */
export class ListedScope {
  /** Asks the source what lies in a folder, before its listing comes there. */
  peek: Peek = () => Promise.resolve(undefined);
  private readonly context: ScopeContext;
  private readonly grouping: Grouping;
  private readonly collector: Collector;
  private readonly gate: Gate;
  private foreign: Foreign | undefined;
  private lake: LakeTables | undefined;
  /** Undefined: everything is looked at. */
  private partial: PartialLook | undefined;

  constructor(context: ScopeContext) {
    this.context = context;
    const { plan, known, report, policy, at, nameFrom } = context;
    const { settings } = plan.definition;
    const { crawl } = plan.config;
    const isGlue = settings.grouping === 'glue';
    const { inventory, sampleFiles = crawl.sampleFiles } = settings;
    this.grouping = createGrouping(sampleFiles, { inventory, ...(isGlue && { asLevel: () => undefined }) });
    this.gate = createGate({ most: crawl.parallelReads, bytes: crawl.parallelReadBytes });
    const collecting = collectContext(plan, {
      known,
      report,
      gate: this.gate,
      policy,
      base: () => at.base ?? '',
      isLookedAt: (location) => this.partial?.isLookedAt(location) ?? true,
      isPartial: () => this.partial !== undefined,
      isOnlyNew: () => this.partial !== undefined && settings.recrawl === 'new-folders',
      fewFolders: () => this.partial?.fewFolders(),
      foldersBelow: (root, levels) => this.partial?.foldersBelow(root, levels),
      nameFrom,
    });
    this.collector = isGlue ? createGlueCollector(collecting, settings, at.split) : createCollector(collecting);
  }

  get isPartial(): boolean {
    return this.partial !== undefined;
  }

  /** How many objects were taken by this attempt. */
  count(): number {
    return this.grouping.count();
  }

  /** Only these folders are looked at, below the address of the scope's root. */
  async lookOnlyAt(parts: Parts, root: string): Promise<void> {
    await this.enter(root);
    const { known, at, plan } = this.context;
    const { grouping, recrawl } = plan.definition.settings;
    this.partial = new PartialLook(parts, {
      known,
      base: root,
      pathOf: (location) => at.pathOf(location),
      emptied: (folder, keys) => this.collector.emptied(folder, keys),
      isGrouped: grouping === 'glue' && recrawl !== 'new-folders',
      accountsForAll: () => this.collector.accountsForAll(),
    });
  }

  /** Waits only where something was closed: a promise for each of a million objects takes longer than all the rest. */
  async takeAll(objects: readonly ObjectFinding[]): Promise<void> {
    const { signal } = this.context.plan.run;
    for (const object of objects) {
      const foreign = this.foreign ?? (await this.enter(baseOf(object)));
      const met = this.lake?.mayChange(object.path) === true ? this.lake.meet(object.path, this.grouping.count()) : undefined;
      if (met !== undefined) await met;
      const closed = this.group(object, foreign);
      if (closed.length > 0) await this.close(closed);
      if (signal.aborted) return;
    }
  }

  async take(object: ObjectFinding): Promise<void> {
    const foreign = this.foreign ?? (await this.enter(baseOf(object)));
    await this.lake?.meet(object.path, this.grouping.count());
    await this.close(this.group(object, foreign));
  }

  /** The first object shows where the scope is. */
  private async enter(base: string): Promise<Foreign> {
    const { plan, known, report, policy, at, nameFrom } = this.context;
    at.base = base;
    this.foreign = new Foreign(await known.foreignBelow(base));
    const nameOf = (path: string): string => nameFrom(folderName({ base: () => base }, path));
    const peek: Peek = (folder, fits) => this.peek(folder, fits);
    this.lake = new LakeTables(lakeContext(plan, { known, report, gate: this.gate, policy, base, peek, nameOf }), base);
    return this.foreign;
  }

  private group(object: ObjectFinding, foreign: Foreign): readonly Closed[] {
    const { counted, report } = this.context;
    counted(object.path);
    const place = foreign.at(object.location);
    if (place === undefined && this.lake?.take(object) === true) return this.grouping.pass(object.path);
    if (place === undefined && object.size > 0) return this.grouping.add(object);
    if (isIgnored(object)) return NOTHING;
    if (place === undefined) report.skip(object.path, 'empty');
    else report.skip(place.location, `belongs to ${place.owner}`);
    return NOTHING;
  }

  private async close(all: readonly Closed[]): Promise<void> {
    const { found, closed } = this.context;
    for (const one of all) {
      if (this.lake?.adopt(one) === true) {
        this.collector.forget(one.path);
        continue;
      }
      const whole = one.kind === 'partition' ? one : (this.partial?.withWhatIsKnown(one) ?? one);
      // A promise for each of a hundred thousand partitions would take as long as to look at them.
      const taken = this.collector.take(whole);
      if (taken !== undefined) for (const table of await taken) found(table, this.grouping.count() - 1);
      if (one.kind === 'folder') reached('crawl.table-closed');
    }
    await closed();
  }

  /** There are no more objects. `sure`: all of them were listed. */
  async finish(sure: boolean): Promise<void> {
    const { found } = this.context;
    this.lake?.finish();
    await this.close(this.grouping.finish());
    for (const table of await this.collector.finish(sure)) found(table, this.grouping.count());
    for await (const table of this.partial?.emptied() ?? []) found(table, this.grouping.count());
  }

  /** The Delta and Iceberg tables that were looked at since the last time. */
  async settleLake(): Promise<readonly FoundLakeTable[]> {
    return (await this.lake?.settle()) ?? [];
  }

  /** The number of the first object in what is not told yet. */
  firstOpen(): number[] {
    const numbers = [this.grouping.firstOpen(), this.collector.firstOpen(), this.lake?.firstOpen()];
    return numbers.filter((number) => number !== undefined);
  }

  splitAt(path: string, number: number): string[] {
    return this.collector.splitAt(path, number);
  }

  /** Somebody else's by now. */
  isForeign(location: string): boolean {
    return this.foreign?.at(location) !== undefined;
  }

  isWhollyLookedAt(table: Table): boolean {
    return this.partial?.isWhollyLookedAt(table) ?? true;
  }
}

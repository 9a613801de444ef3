import type { Db } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { tableNameFrom } from '../model/names.ts';
import type { Table } from '../model/table.ts';
import type { RunContext } from '../work/run.ts';
import type { Parked } from './absence.ts';
import { billOf } from './bill.ts';
import { classifyLimits } from './classifier.ts';
import { conclude } from './conclude.ts';
import { absenceContext, saveContext, type CrawlPlan, type SavedCrawl } from './crawl-plan.ts';
import type { CheckpointFinding, Finding, ObjectFinding, TableFinding } from './crawler.ts';
import { ownerOf, type CrawlerDefinition } from './crawlers.ts';
import { declaredTable, serverOf } from './declared-table.ts';
import { openDismissed, type SavedDismissed } from './dismissed.ts';
import type { FoundTable } from './found-table.ts';
import { Known } from './known.ts';
import { ListedScope } from './listed-scope.ts';
import { policyOf, type TablePolicy } from './policy.ts';
import { Progress } from './progress.ts';
import type { Look } from './recrawl.ts';
import { Report } from './report.ts';
import { save, wideSave, type SaveContext } from './save.ts';
import { SaveQueue } from './save-queue.ts';
import { Whereabouts } from './whereabouts.ts';

/** Reads what the catalog knows, and what an earlier attempt of the run has left. */
export async function openCrawl(asked: Omit<CrawlPlan, 'dismissed'>): Promise<Crawl> {
  const { ground, run, definition, config, classifiers } = asked;
  const saved = (run.checkpoint ?? undefined) as SavedCrawl | undefined;
  const known = new Known(ground.db, run.principal, ownerOf(definition), definition.database);
  await known.load();
  const most = config.crawl.dismissedFiles;
  const dismissed = await openDismissed(ground.db, run.run, classifiers, classifyLimits(config.limits), most);
  return new Crawl({ ...asked, dismissed }, known, saved);
}

/** One attempt at a crawl: takes findings in their order, and saves what they come to. */
export class Crawl {
  readonly run: RunContext;
  readonly definition: CrawlerDefinition;
  readonly report: Report;
  readonly scope: string;
  /** What the source failed with in the end. */
  failure: TenonError | undefined;
  /** More tables than the settings allow: then nothing at all is written. */
  over: TenonError | undefined;
  /** The crawler said that it has shown everything. */
  complete = false;
  /** What is looked at. */
  mode: Look['mode'] = 'everything';
  private readonly plan: CrawlPlan;
  readonly known: Known;
  readonly listed: ListedScope;
  private readonly policy: TablePolicy;
  private readonly progress: Progress;
  private readonly at: Whereabouts;
  private readonly startedAt: number;
  private readonly saves = new SaveQueue();
  /** Tables from which something seems to be gone: saved when it is known whether everything was seen. */
  private held: FoundTable[] = [];
  /** Of a source that declares its tables. */
  private server: string | undefined;
  private lastPath = '';
  /** What was found to be no table, once all was looked at. */
  private dismissed: SavedDismissed | undefined;
  /** All tables that there are have been found. */
  private isCounted = false;

  constructor(plan: CrawlPlan, known: Known, saved: SavedCrawl | undefined) {
    const { config, run, definition, crawler, options } = plan;
    this.plan = plan;
    this.run = run;
    this.definition = definition;
    this.known = known;
    this.scope = crawler.scope(options);
    this.report = new Report(config.limits.reportedItems, saved?.report);
    this.at = new Whereabouts(this.scope, known, saved, (path, number) => this.listed.splitAt(path, number));
    this.progress = new Progress(this.at.start);
    this.startedAt = plan.ground.clock().getTime();
    this.policy = policyOf(definition, `${plan.ground.clock().toISOString()} run ${run.run.id}`);
    const { report, policy, at } = this;
    this.listed = new ListedScope({
      plan,
      known,
      report,
      policy,
      at,
      nameFrom: (text) => this.nameFrom(text),
      counted: (path) => {
        this.progress.objects += 1;
        this.lastPath = path;
      },
      found: (found, end) => this.meet(found, end),
      closed: () => (this.saves.rows >= config.limits.transactionRows ? this.saveMeanwhile() : undefined),
    });
  }

  /** Where the crawler has to go on. */
  get cursor(): string | undefined {
    return this.at.start?.cursor;
  }

  /** Nothing was found, now or by an attempt before. */
  isUntouched(): boolean {
    return this.progress.objects === 0 && this.progress.tables === 0 && this.report.unknownCount === 0;
  }

  async take(finding: Finding): Promise<void> {
    switch (finding.kind) {
      case 'object':
        return this.takeObject(finding);
      case 'objects':
        await this.listed.takeAll(finding.objects);
        return this.showProgress();
      case 'table':
        return this.takeTable(finding);
      case 'unknown':
        return this.report.unlisted(finding.path, finding.error);
      case 'checkpoint':
        return this.takeCheckpoint(finding);
    }
  }

  private async takeObject(object: ObjectFinding): Promise<void> {
    await this.listed.take(object);
    if (this.progress.objects % 500 === 0) this.showProgress();
  }

  /** A table is whole; all of it comes before the object `end`. */
  private meet(found: FoundTable, end: number): void {
    this.at.marks.close(found.first, end);
    this.progress.found(found);
    this.checkThreshold();
    if (found.before !== undefined) this.known.see(found.before);
    if (found.narrow === undefined) {
      this.tell(found.told.wide);
      this.saves.add(wideSave(found));
    } else this.held.push(found);
  }

  /** Takes the Delta and Iceberg tables that were looked at. */
  private async settleLake(): Promise<void> {
    for (const found of await this.listed.settleLake()) {
      this.at.marks.close(found.first, this.listed.count());
      this.progress.found(found);
      this.checkThreshold();
      this.tell(found.told);
      if (found.before !== undefined) this.known.see(found.before);
      if (found.save !== undefined) this.saves.add(found.save);
    }
  }

  private checkThreshold(): void {
    const { tableThreshold: limit } = this.definition.settings;
    if (limit === undefined || this.progress.tables <= limit) return;
    const message = `The crawl found more than ${limit} tables (tableThreshold of its settings), and wrote nothing.`;
    this.over ??= new TenonError('LIMIT', message, { limit });
  }

  private async takeTable(finding: TableFinding): Promise<void> {
    const declared = await declaredTable(finding, this.definition, this.known, this.policy, (text) => this.nameFrom(text));
    this.tell(declared.told);
    if (declared.before !== undefined) this.known.see(declared.before);
    this.server = serverOf(finding.location);
    this.progress.tables += 1;
    this.checkThreshold();
    this.lastPath = finding.name;
    this.saves.add(declared);
    if (this.progress.tables % 100 === 0) this.showProgress();
  }

  private async takeCheckpoint(finding: CheckpointFinding): Promise<void> {
    this.complete = finding.complete;
    if (finding.complete) return;
    const { lastPath, progress, listed } = this;
    // Tables that a source declares come in no order that we know: who goes on sees all of them again.
    if (this.server === undefined) {
      this.at.marks.add({ cursor: finding.cursor, path: lastPath, objects: progress.objects, number: listed.count() });
    }
    // What does not fill a transaction waits for the next chance.
    if (!this.saves.isBusy) await this.saveClosed();
  }

  /** Saves the tables that are whole, and from where to go on. */
  async saveClosed(): Promise<void> {
    await this.saveMeanwhile();
    await this.saves.saved();
  }

  /** The same while the listing goes on, one save at a time: for what takes long. */
  private async saveMeanwhile(): Promise<void> {
    await this.settleLake();
    await this.saves.saved();
    this.beginSave();
  }

  /** Waits until nothing is being saved, however it ends. */
  async quiet(): Promise<void> {
    await this.saves.quiet();
  }

  private beginSave(): void {
    // Before all tables are counted nobody knows whether any may be written.
    if (this.definition.settings.tableThreshold !== undefined && !this.isCounted) return this.showProgress();
    const before = this.at.save();
    const open = [...this.listed.firstOpen(), ...this.held.map(({ first }) => first)];
    const moved = this.at.advance(open.length === 0 ? undefined : Math.min(...open), this.progress);
    this.showProgress();
    this.saves.begin(this.saveContext(before), moved);
  }

  /** All findings are there: saves what is left, and decides about what was not found. */
  async finish(seen: (tx: Db, parked: Parked | undefined) => Promise<void>): Promise<Parked | undefined> {
    if (this.failure === undefined) {
      await this.listed.finish(this.complete);
    } else {
      // The folders that are open are not whole, and are left as they were.
      this.report.unknown('', this.failure);
      this.complete = false;
    }
    await this.settleLake();
    if (this.over !== undefined) return undefined;
    this.isCounted = true;
    await this.saveClosed();
    const isWhole = !this.listed.isPartial && this.at.start === undefined && this.report.unknownCount === 0;
    this.dismissed = await this.plan.dismissed.save(this.plan.ground.db, isWhole && this.complete);
    const context = this.saveContext();
    if (!this.complete) {
      for (const { told } of this.held) this.tell(told.wide);
      await save(context, this.held.map(wideSave));
      return undefined;
    }
    return conclude(this.held, {
      definition: this.definition,
      policy: this.policy,
      absence: absenceContext(this.plan, {
        known: this.known,
        report: this.report,
        policy: this.policy,
        isHere: (location) => this.isHere(location),
        isLookedAt: (table) => this.listed.isWhollyLookedAt(table),
        isUnknown: (table) => this.isUnknown(table),
        wasSeen: (table) => this.at.wasSeen(table),
      }),
      save: context,
      isPartial: this.listed.isPartial,
      seen: (w, parked) => seen(w.tx, parked),
      tell: (told) => this.tell(told),
      log: (message) => this.run.log('info', message),
    });
  }

  /** Of one table. */
  private tell(told: readonly string[]): void {
    if (told.length > 0) this.report.counts.logged += 1;
    for (const one of told) this.run.log('warn', one);
  }

  private nameFrom(text: string): string {
    return tableNameFrom(text, this.definition.settings.prefix);
  }

  /** Not another's by now, and not on the server that a connection led to before. */
  private isHere(location: string): boolean {
    return !this.listed.isForeign(location) && (this.server === undefined || location.startsWith(`${this.server}/`));
  }

  private isUnknown(table: Table): boolean {
    if (this.server !== undefined) return this.report.isUnknownTable(table.name);
    // Where nothing was found there is nothing to tell what an unknown path is below.
    return this.report.isUnknownAt(this.at.pathOf(table.location ?? '') ?? '');
  }

  /** `before` is the place to go on from while not everything is saved. */
  private saveContext(before = this.at.save()): SaveContext {
    const { plan, known, report } = this;
    return saveContext(plan, known, report, (tx, last) => {
      const { dismissed } = this;
      const saved: SavedCrawl = { ...(last ? this.at.save() : before), report: report.save(this.seconds()), dismissed };
      return plan.run.saveCheckpoint(tx, saved);
    });
  }

  result(parked: Parked | undefined): Record<string, unknown> {
    const { counts, unknownCount, unknowns, skipped, sampled, bill, seconds } = this.report.save(this.seconds());
    const { tables, partitions, objects } = this.progress;
    const rest = { unknown: unknownCount, unknowns, skipped, sampled, ...(parked !== undefined && { parked }) };
    const isS3 = this.at.base?.startsWith('s3:') === true;
    return { mode: this.mode, tables, partitions, objects, ...counts, ...rest, bill: billOf(bill, seconds, isS3) };
  }

  private seconds(): number {
    return (this.plan.ground.clock().getTime() - this.startedAt) / 1000;
  }

  private showProgress(): void {
    const { objects, tables } = this.progress;
    this.run.progress({ objects, tables, path: this.lastPath.slice(0, 500) });
  }
}

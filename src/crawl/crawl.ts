import type { Config } from '../config.ts';
import type { Write } from '../changes/write.ts';
import type { Db, Ground } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { reached } from '../model/reached.ts';
import { tableNameFrom } from '../model/names.ts';
import type { Table } from '../model/table.ts';
import type { RunContext } from '../work/run.ts';
import { decideAbsence, parkedOf, type Parked } from './absence.ts';
import { billOf } from './bill.ts';
import { classifyLimits } from './classifier.ts';
import type { ClassifierSpec } from './classifier-kind.ts';
import { createCollector, folderName, type CollectContext, type Collector } from './collect.ts';
import type { CheckpointFinding, Crawler, Finding, ObjectFinding, PreviousTable, TableFinding } from './crawler.ts';
import { ownerOf, type CrawlerDefinition } from './crawlers.ts';
import { declaredTable, serverOf } from './declared-table.ts';
import { folderAddress, type FoundTable } from './found-table.ts';
import { createGlueCollector } from './glue-collect.ts';
import { createGrouping, isIgnored, type Closed, type ClosedFolder } from './grouping.ts';
import { identityOf, Known } from './known.ts';
import { LakeTables } from './lake-tables.ts';
import type { Peek } from './lake-roots.ts';
import { deprecated, policyOf, type TablePolicy } from './policy.ts';
import type { Parsers } from './parsers.ts';
import type { Parts } from './parts.ts';
import { Progress } from './progress.ts';
import { createGate, readLayout, type Gate } from './read-layout.ts';
import type { Look } from './recrawl.ts';
import { contentOf } from './removal-content.ts';
import { parkRemoval, wasRejected } from './removals.ts';
import { Report, type SavedReport } from './report.ts';
import { isSame, narrowSave, save, wideSave, type Save, type SaveContext } from './save.ts';
import { baseOf, Foreign } from './scope-paths.ts';
import { Whereabouts, type SavedPlace } from './whereabouts.ts';

const NOTHING: readonly Closed[] = [];

export interface CrawlPlan {
  readonly ground: Ground;
  readonly config: Pick<Config, 'crawl' | 'limits'>;
  readonly run: RunContext;
  readonly definition: CrawlerDefinition;
  readonly crawler: Crawler;
  readonly options: unknown;
  /** Custom ones, in the order in which they are asked. */
  readonly classifiers: readonly ClassifierSpec[];
  readonly parsers: Parsers;
}

/** What a run's checkpoint holds. */
export interface SavedCrawl extends SavedPlace {
  readonly report: SavedReport;
}

/** Reads what the catalog knows, and what an earlier attempt of the run has left. */
export async function openCrawl(plan: CrawlPlan): Promise<Crawl> {
  const { ground, run, definition } = plan;
  const saved = (run.checkpoint ?? undefined) as SavedCrawl | undefined;
  const known = new Known(ground.db, run.principal, ownerOf(definition), definition.database);
  await known.load();
  return new Crawl(plan, known, saved);
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
  private readonly grouping;
  private readonly collector: Collector;
  private readonly policy: TablePolicy;
  private readonly progress: Progress;
  private readonly at: Whereabouts;
  private readonly startedAt: number;
  private foreign: Foreign | undefined;
  /** Undefined: everything is looked at. */
  private parts: Parts | undefined;
  /** Tables of which nothing is left in what was looked at. */
  private readonly emptied = new Set<string>();
  /** Asks the source what lies in a folder, before its listing comes there. */
  peek: Peek = () => Promise.resolve(undefined);
  private lake: LakeTables | undefined;
  private readonly gate: Gate;
  private pending: Save[] = [];
  private pendingRows = 0;
  private saving: Promise<void> | undefined;
  private saveFailure: { readonly error: unknown } | undefined;
  /** Tables from which something seems to be gone: saved when it is known whether everything was seen. */
  private held: FoundTable[] = [];
  /** Of a source that declares its tables. */
  private server: string | undefined;
  private lastPath = '';
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
    this.at = new Whereabouts(this.scope, known, saved, (path, number) => this.collector.splitAt(path, number));
    this.progress = new Progress(this.at.start);
    this.startedAt = plan.ground.clock().getTime();
    const { settings } = definition;
    const isGlue = settings.grouping === 'glue';
    const { inventory } = settings;
    const sampleFiles = settings.sampleFiles ?? config.crawl.sampleFiles;
    this.grouping = createGrouping(sampleFiles, { inventory, ...(isGlue && { asLevel: () => undefined }) });
    this.policy = policyOf(definition, `${plan.ground.clock().toISOString()} run ${run.run.id}`);
    const gate = createGate(config.crawl.parallelReads);
    this.gate = gate;
    const limits = classifyLimits(config.limits);
    const context: CollectContext = {
      known,
      report: this.report,
      partitionFiles: config.limits.partitionFiles,
      samplePartitions: partitionsToRead(definition, config.crawl.samplePartitions),
      read: (layout) => readLayout(layout, { limits, gate, custom: plan.classifiers, parsers: plan.parsers, signal: run.signal }),
      log: (level, message) => run.log(level, message),
      database: definition.database,
      connection: definition.connection,
      base: () => this.at.base ?? '',
      isLookedAt: (location) => this.isLookedAt(location),
      isPartial: () => this.parts !== undefined,
      policy: this.policy,
      nameFrom: (text) => this.nameFrom(text),
    };
    this.collector = isGlue ? createGlueCollector(context, settings, this.at.split) : createCollector(context);
  }

  /** Where the crawler has to go on. */
  get cursor(): string | undefined {
    return this.at.start?.cursor;
  }

  /** What is recorded of a table that its source declares. */
  previous(location: string): PreviousTable | undefined {
    const table = this.known.tables.get(identityOf(location, [], undefined));
    return table === undefined ? undefined : { columns: table.schema.columns, details: table.details };
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
        return this.takeObjects(finding.objects);
      case 'table':
        return this.takeTable(finding);
      case 'unknown':
        return this.report.unlisted(finding.path, finding.error);
      case 'checkpoint':
        return this.takeCheckpoint(finding);
    }
  }

  /** Waits only where something was closed: a promise for each of a million objects takes longer than all the rest. */
  private async takeObjects(objects: readonly ObjectFinding[]): Promise<void> {
    for (const object of objects) {
      const foreign = this.foreign ?? (await this.meetScope(object));
      if (this.lake?.mayChange(object.path) === true) await this.lake.meet(object.path, this.grouping.count());
      const closed = this.group(object, foreign);
      if (closed.length > 0) await this.close(closed);
      if (this.run.signal.aborted) return;
    }
    this.showProgress();
  }

  private async takeObject(object: ObjectFinding): Promise<void> {
    const foreign = this.foreign ?? (await this.meetScope(object));
    await this.lake?.meet(object.path, this.grouping.count());
    await this.close(this.group(object, foreign));
    if (this.progress.objects % 500 === 0) this.showProgress();
  }

  /** Only these folders are looked at, below the address of the scope's root. */
  async lookOnlyAt(parts: Parts, root: string): Promise<void> {
    this.parts = parts;
    await this.enterScope(root);
  }

  private isLookedAt(location: string): boolean {
    return this.parts?.has(this.at.pathOf(location) ?? '') ?? true;
  }

  /** The first object shows where the scope is. */
  private meetScope(object: ObjectFinding): Promise<Foreign> {
    return this.enterScope(baseOf(object));
  }

  private async enterScope(base: string): Promise<Foreign> {
    this.at.base = base;
    this.foreign = new Foreign(await this.known.foreignBelow(base));
    this.lake = this.openLake(base);
    return this.foreign;
  }

  private openLake(base: string): LakeTables {
    const { definition, known, report, gate, policy, run } = this;
    const { limits } = this.plan.config;
    const addressOf = (path: string): string => folderAddress(base, path);
    return new LakeTables(
      {
        known,
        report,
        gate,
        policy,
        addressOf,
        signal: run.signal,
        peek: (folder, fits) => this.peek(folder, fits),
        readCheckpoint: (source) => this.plan.parsers.checkpoint(source),
        limits: { metadataBytes: limits.tableMetadataBytes, columns: limits.columns, files: limits.partitionFiles },
        database: definition.database,
        connection: definition.connection,
        nameOf: (path) => this.nameFrom(folderName({ base: () => base }, path)),
      },
      base,
    );
  }

  private group(object: ObjectFinding, foreign: Foreign): readonly Closed[] {
    this.progress.objects += 1;
    this.lastPath = object.path;
    const place = foreign.at(object.location);
    if (place === undefined && this.lake?.take(object) === true) return this.grouping.pass(object.path);
    if (place === undefined && object.size > 0) return this.grouping.add(object);
    if (isIgnored(object)) return NOTHING;
    if (place === undefined) this.report.skip(object.path, 'empty');
    else this.report.skip(place.location, `belongs to ${place.owner}`);
    return NOTHING;
  }

  private async close(closed: readonly Closed[]): Promise<void> {
    for (const one of closed) {
      if (this.lake?.adopt(one) === true) {
        this.collector.forget(one.path);
        continue;
      }
      const whole = this.parts === undefined || one.kind === 'partition' ? one : this.withWhatIsKnown(one);
      for (const found of await this.collector.take(whole)) this.meet(found, this.grouping.count() - 1);
      if (one.kind === 'folder') reached('crawl.table-closed');
    }
    if (this.pendingRows >= this.plan.config.limits.transactionRows) await this.saveMeanwhile();
  }

  /** A table is whole; all of it comes before the object `end`. */
  private meet(found: FoundTable, end: number): void {
    this.at.marks.close(found.first, end);
    this.progress.found(found);
    this.checkThreshold();
    if (found.before !== undefined) this.known.see(found.before);
    if (found.narrow === undefined) {
      this.tell(found.told.wide);
      this.add(wideSave(found));
    } else this.held.push(found);
  }

  /** Of a folder that is looked at by itself, the catalog says what lies below it. */
  private withWhatIsKnown(folder: ClosedFolder): ClosedFolder {
    const location = folderAddress(this.at.base ?? '', folder.path);
    let { partitioned, hasFolders } = folder;
    for (const table of this.known.tables.values()) {
      const isPartitioned = table.schema.partitionKeys.length > 0;
      if (table.location === location) partitioned ||= isPartitioned;
      else hasFolders ||= table.location?.startsWith(location) === true && table.location.endsWith('/');
    }
    return { ...folder, partitioned, hasFolders };
  }

  /** Tables whose partitions were looked at, and had no file any more. */
  private async meetEmptied(parts: Parts): Promise<void> {
    for (const { root, keys } of parts.partitioned()) {
      const table = this.known.tables.get(identityOf(folderAddress(this.at.base ?? '', root), keys, undefined));
      if (table === undefined || this.known.seen.has(table.id)) continue;
      const folder: ClosedFolder = { kind: 'folder', path: root, layouts: [], partitioned: true, hasFolders: false, first: 0 };
      const found = await this.collector.emptied(folder, keys);
      if (found === undefined) this.emptied.add(table.id);
      else this.meet(found, this.grouping.count());
    }
  }

  private isWhollyLookedAt({ id, location, schema }: Table): boolean {
    if (this.parts === undefined) return true;
    return schema.partitionKeys.length > 0 ? this.emptied.has(id) : this.isLookedAt(location?.replace(/[^/]*$/, '') ?? '');
  }

  /** Takes the Delta and Iceberg tables that were looked at. */
  private async settleLake(): Promise<void> {
    for (const found of (await this.lake?.settle()) ?? []) {
      this.at.marks.close(found.first, this.grouping.count());
      this.progress.found(found);
      this.checkThreshold();
      this.tell(found.told);
      if (found.before !== undefined) this.known.see(found.before);
      if (found.save !== undefined) this.add(found.save);
    }
  }

  private checkThreshold(): void {
    const { tableThreshold: limit } = this.definition.settings;
    if (limit === undefined || this.progress.tables <= limit) return;
    const message = `The crawl found more than ${limit} tables (tableThreshold of its settings), and wrote nothing.`;
    this.over ??= new TenonError('LIMIT', message, { limit });
  }

  private add(one: Save): void {
    if (isSame(one)) return;
    this.pending.push(one);
    this.pendingRows += one.partitions.length + 1;
  }

  private async takeTable(finding: TableFinding): Promise<void> {
    const declared = await declaredTable(finding, this.definition, this.known, this.policy, (text) => this.nameFrom(text));
    this.tell(declared.told);
    if (declared.before !== undefined) this.known.see(declared.before);
    this.server = serverOf(finding.location);
    this.progress.tables += 1;
    this.checkThreshold();
    this.lastPath = finding.name;
    this.add(declared);
    if (this.progress.tables % 100 === 0) this.showProgress();
  }

  private async takeCheckpoint(finding: CheckpointFinding): Promise<void> {
    this.complete = finding.complete;
    if (finding.complete) return;
    const { lastPath, progress, grouping } = this;
    // Tables that a source declares come in no order that we know: who goes on sees all of them again.
    if (this.server === undefined) {
      this.at.marks.add({ cursor: finding.cursor, path: lastPath, objects: progress.objects, number: grouping.count() });
    }
    // What does not fill a transaction waits for the next chance.
    if (this.saving === undefined) await this.saveClosed();
  }

  /** Saves the tables that are whole, and from where to go on. */
  async saveClosed(): Promise<void> {
    await this.settleLake();
    await this.saved();
    this.beginSave();
    await this.saved();
  }

  /** The same while the listing goes on, one save at a time: for what takes long. */
  private async saveMeanwhile(): Promise<void> {
    await this.settleLake();
    await this.saved();
    this.beginSave();
  }

  /** Waits for the save that is under way, and fails as it did. */
  private async saved(): Promise<void> {
    await this.quiet();
    if (this.saveFailure !== undefined) throw this.saveFailure.error;
  }

  /** Waits until nothing is being saved, however it ends. */
  async quiet(): Promise<void> {
    await this.saving;
  }

  private beginSave(): void {
    // Before all tables are counted nobody knows whether any may be written.
    if (this.definition.settings.tableThreshold !== undefined && !this.isCounted) return this.showProgress();
    const before = this.at.save();
    const open = [
      this.grouping.firstOpen(),
      this.collector.firstOpen(),
      this.lake?.firstOpen(),
      ...this.held.map(({ first }) => first),
    ].filter((number) => number !== undefined);
    const moved = this.at.advance(open.length === 0 ? undefined : Math.min(...open), this.progress);
    const saves = this.pending;
    this.pending = [];
    this.pendingRows = 0;
    this.showProgress();
    if (saves.length > 0 || moved) this.saving = this.saveAll(this.saveContext(before), saves);
  }

  private async saveAll(context: SaveContext, saves: readonly Save[]): Promise<void> {
    try {
      await save(context, saves);
    } catch (error) {
      this.saveFailure ??= { error };
    } finally {
      this.saving = undefined;
    }
  }

  /** All findings are there: saves what is left, and decides about what was not found. */
  async finish(seen: (tx: Db, parked: Parked | undefined) => Promise<void>): Promise<Parked | undefined> {
    if (this.failure === undefined) {
      this.lake?.finish();
      await this.close(this.grouping.finish());
      for (const found of await this.collector.finish(this.complete)) this.meet(found, this.grouping.count());
      if (this.parts !== undefined) await this.meetEmptied(this.parts);
    } else {
      // The folders that are open are not whole, and are left as they were.
      this.report.unknown('', this.failure);
      this.complete = false;
    }
    await this.settleLake();
    if (this.over !== undefined) return undefined;
    this.isCounted = true;
    await this.saveClosed();
    const context = this.saveContext();
    if (!this.complete) {
      for (const { told } of this.held) this.tell(told.wide);
      await save(context, this.held.map(wideSave));
      return undefined;
    }
    const { tables, found, missing } = await this.decide();
    for (const { table, narrow } of found) this.tell(narrow ? table.told.narrow : table.told.wide);
    const drops = tables.flatMap((before) => this.gone(before));
    const saves = [...found.map(({ table, narrow }) => (narrow ? narrowSave(table) : wideSave(table))), ...drops];
    const content = missing && contentOf(missing);
    const isRejected = content !== undefined && (await wasRejected(this.plan.ground.db, this.definition.id, content.fingerprint));
    if (isRejected)
      this.run.log(
        'info',
        `${content.tables} tables and ${content.partitions} partitions are gone and stay: somebody rejected their removal.`,
      );
    let parked = missing === undefined || isRejected ? undefined : parkedOf(missing, undefined);
    const conclude = async (w: Write): Promise<void> => {
      await seen(w.tx, parked);
      // Who has looked at some folders only, cannot tell that nothing is missing elsewhere.
      if (parked === undefined && this.parts !== undefined) return;
      const removal = await parkRemoval(w, this.definition, parked && content);
      if (parked !== undefined) parked = { ...parked, removal };
    };
    await save(
      { ...context, conclude },
      saves.filter((one) => !isSame(one)),
    );
    return parked;
  }

  /** What becomes of a table that is gone from the source. */
  private gone(before: Table): Save[] {
    const save: Save = { path: before.name, draft: undefined, before, partitions: [], ended: [] };
    if (this.policy.gone === 'delete') return [save];
    if (this.policy.gone === 'deprecate') return [{ ...save, draft: deprecated(before, this.policy.mark) }];
    this.tell([`The table ${before.database}.${before.name} is gone from the source, and stays.`]);
    return [];
  }

  /** Of one table. */
  private tell(told: readonly string[]): void {
    if (told.length > 0) this.report.counts.logged += 1;
    for (const one of told) this.run.log('warn', one);
  }

  private nameFrom(text: string): string {
    return tableNameFrom(text, this.definition.settings.prefix);
  }

  private decide(): ReturnType<typeof decideAbsence> {
    const { ground, config, run, crawler, options } = this.plan;
    return decideAbsence(this.held, {
      db: ground.db,
      as: run.principal,
      known: this.known,
      report: this.report,
      covers: (location) => this.isHere(location) && crawler.covers(options, location),
      isLookedAt: (table) => this.isWhollyLookedAt(table),
      isUnknown: (table) => this.isUnknown(table),
      wasSeen: (table) => this.at.wasSeen(table),
      keeps: this.policy.gone !== 'delete',
      accept: run.run.params['acceptRemovals'] === true,
      removalShare: config.crawl.removalShare,
      removalAtLeast: config.crawl.removalAtLeast,
    });
  }

  /** Not another's by now, and not on the server that a connection led to before. */
  private isHere(location: string): boolean {
    return this.foreign?.at(location) === undefined && (this.server === undefined || location.startsWith(`${this.server}/`));
  }

  private isUnknown(table: Table): boolean {
    if (this.server !== undefined) return this.report.isUnknownTable(table.name);
    // Where nothing was found there is nothing to tell what an unknown path is below.
    return this.report.isUnknownAt(this.at.pathOf(table.location ?? '') ?? '');
  }

  /** `before` is the place to go on from while not everything is saved. */
  private saveContext(before = this.at.save()): SaveContext {
    const { ground, run, definition, config } = this.plan;
    return {
      ground,
      by: { principal: run.principal, owner: ownerOf(definition), runId: run.run.id },
      database: definition.database,
      known: this.known,
      report: this.report,
      rows: config.limits.transactionRows,
      hold: (tx) => run.hold(tx),
      checkpoint: (tx, last) => {
        const saved: SavedCrawl = { ...(last ? this.at.save() : before), report: this.report.save(this.seconds()) };
        return run.saveCheckpoint(tx, saved);
      },
    };
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

/** With footers, or where it is told so, no partition is taken to be like others. */
function partitionsToRead({ settings: { inventory, samplePartitions } }: CrawlerDefinition, preset: number): number {
  if (inventory === 'footers' || samplePartitions === 'all') return Number.POSITIVE_INFINITY;
  return samplePartitions ?? preset;
}

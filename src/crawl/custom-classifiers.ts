import { and, asc, eq, gt, inArray, isNull } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { classifiers } from '../db/tables/crawl.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import { checkName, foldName } from '../model/names.ts';
import type { Principal } from '../model/principal.ts';
import { textBefore, textPage } from '../model/text-pages.ts';
import type { ClassifierSpec } from './classifier-kind.ts';
import { classifierKind, customClassifier } from './custom-kinds.ts';

/** A classifier that somebody defined. Crawlers name it in their settings. */
export interface ClassifierDefinition extends ClassifierSpec {
  readonly id: string;
}

/**
 * Makes a classifier or changes it; the same definition again writes nothing. What was crawled already stays as it is until
 * its files change. Throws BAD_INPUT for a kind that there is not, and for options that the kind does not accept.
 */
export async function defineClassifier(w: Write, draft: ClassifierSpec): Promise<ClassifierDefinition> {
  const name = foldName(checkName(draft.name, 'classifier'));
  authorize(w.by.principal, 'write', `the classifier ${name}`);
  const options = { ...(classifierKind(draft.kind).parse(draft.options) as Record<string, unknown>) };
  // Compiles its patterns, too: a mistake in them shows here, and not in a crawl.
  customClassifier({ name, kind: draft.kind, options });
  const before = await readClassifier(w.tx, name);
  const wanted = { name, kind: draft.kind, options };
  if (before !== undefined && textOf(before) === textOf(wanted)) return before;
  // One id for all definitions of a name.
  const id = before?.id ?? w.newId();
  const entry = await w.entry({ id });
  if (before === undefined) await w.tx.insert(classifiers).values({ id, ...wanted, added: entry.position });
  else await w.tx.update(classifiers).set(wanted).where(eq(classifiers.id, id));
  const after = { id, ...wanted };
  entry.note({ kind: 'classifier.defined', after: toJson(after), ...(before !== undefined && { before: toJson(before) }) });
  return after;
}

/** Ends a classifier. A crawler that names it fails at its start until it does so no more. Throws NOT_FOUND. */
export async function dropClassifier(w: Write, classifierName: string): Promise<ClassifierDefinition> {
  const name = foldName(classifierName);
  authorize(w.by.principal, 'write', `the classifier ${name}`);
  const before = await readClassifier(w.tx, name);
  if (before === undefined) throw noClassifier(name);
  const entry = await w.entry({ id: before.id });
  await w.tx.update(classifiers).set({ ended: entry.position }).where(eq(classifiers.id, before.id));
  entry.note({ kind: 'classifier.dropped', before: toJson(before) });
  return before;
}

export async function findClassifier(db: Db, as: Principal, name: string): Promise<ClassifierDefinition | undefined> {
  authorize(as, 'read', `the classifier ${foldName(name)}`);
  return readClassifier(db, foldName(name));
}

/** In the order of their names. */
export async function listClassifiers(db: Db, as: Principal, page: PageRequest): Promise<Page<ClassifierDefinition>> {
  authorize(as, 'read', 'the classifiers');
  const before = textBefore(page);
  const rows = await db
    .select()
    .from(classifiers)
    .where(and(isNull(classifiers.ended), before === undefined ? undefined : gt(classifiers.name, before)))
    .orderBy(asc(classifiers.name))
    .limit(page.first + 1);
  return textPage(rows, page, (row) => row.name, definitionOf);
}

/** The classifiers that a crawler names, in its order. Throws NOT_FOUND that names all that are not there. */
export async function needClassifiers(
  db: Db,
  as: Principal,
  { name, settings }: { readonly name: string; readonly settings: { readonly classifiers: readonly string[] } },
): Promise<ClassifierSpec[]> {
  const names = settings.classifiers.map(foldName);
  if (names.length === 0) return [];
  authorize(as, 'read', 'the classifiers');
  const rows = await db
    .select()
    .from(classifiers)
    .where(and(isNull(classifiers.ended), inArray(classifiers.name, names)));
  const found = new Map(rows.map((row) => [row.name, row]));
  const missing = names.filter((one) => !found.has(one));
  if (missing.length > 0) {
    const shown = missing.map((one) => `«${one.slice(0, 255)}»`).join(', ');
    const message = `The crawler «${name}» names classifiers that are not there: ${shown}. Define them, or change its settings.`;
    throw new TenonError('NOT_FOUND', message, { crawler: name, classifiers: missing });
  }
  return names.flatMap((one) => {
    const row = found.get(one);
    return row === undefined ? [] : [{ name: row.name, kind: row.kind, options: row.options }];
  });
}

async function readClassifier(db: Db, name: string): Promise<ClassifierDefinition | undefined> {
  const [row] = await db
    .select()
    .from(classifiers)
    .where(and(eq(classifiers.name, name), isNull(classifiers.ended)));
  return row === undefined ? undefined : definitionOf(row);
}

function definitionOf({ id, name, kind, options }: typeof classifiers.$inferSelect): ClassifierDefinition {
  return { id, name, kind, options };
}

/** Keys in one order, so that equal definitions have equal text. */
function toJson({ name, kind, options }: ClassifierSpec): Record<string, unknown> {
  return { name, kind, options: Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function textOf(spec: ClassifierSpec): string {
  return JSON.stringify(toJson(spec));
}

function noClassifier(name: string): TenonError {
  return new TenonError('NOT_FOUND', `There is no classifier «${name.slice(0, 255)}».`, { classifier: name.slice(0, 255) });
}

import { TenonError } from '../model/errors.ts';
import type { Classifier } from './classifier.ts';
import type { ClassifierKind, ClassifierSpec } from './classifier-kind.ts';
import { csvKind } from './custom/csv.ts';
import { grokKind } from './custom/grok.ts';
import { jsonKind } from './custom/json.ts';
import { xmlKind } from './custom/xml.ts';

const KINDS: readonly ClassifierKind[] = [grokKind, csvKind, jsonKind, xmlKind];

/** Throws BAD_INPUT with the kinds that there are. */
export function classifierKind(kind: string): ClassifierKind {
  const found = KINDS.find((one) => one.kind === kind);
  if (found !== undefined) return found;
  const known = KINDS.map((one) => one.kind).join(', ');
  throw new TenonError('BAD_INPUT', `There is no classifier of the kind «${kind.slice(0, 100)}»; there are ${known}.`, {
    kind: kind.slice(0, 100),
  });
}

const MOST_KEPT = 100;
const built = new Map<string, Classifier>();

/** Compiled once for each definition: a crawl asks it for every file. */
export function customClassifier(spec: ClassifierSpec): Classifier {
  const key = JSON.stringify([spec.name, spec.kind, spec.options]);
  const known = built.get(key);
  if (known !== undefined) return known;
  const kind = classifierKind(spec.kind);
  const made = kind.classifier(spec.name, kind.parse(spec.options));
  if (built.size >= MOST_KEPT) built.clear();
  built.set(key, made);
  return made;
}

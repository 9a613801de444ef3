import type { ByteSource, Classification, Classifier, ClassifyLimits } from './classifier.ts';
import type { ClassifierSpec } from './classifier-kind.ts';
import { avroClassifier } from './classifiers/avro.ts';
import { csvClassifier } from './classifiers/csv.ts';
import { jsonClassifier } from './classifiers/json.ts';
import { logClassifier } from './classifiers/logs.ts';
import { orcClassifier } from './classifiers/orc.ts';
import { parquetClassifier } from './classifiers/parquet.ts';
import { xmlClassifier } from './classifiers/xml.ts';
import { customClassifier } from './custom-kinds.ts';
import { remember } from './head.ts';

/** In the order in which they are asked, which is Glue's: what knows its own by a mark first, what can only guess last. */
const CLASSIFIERS: readonly Classifier[] = [
  avroClassifier,
  orcClassifier,
  parquetClassifier,
  jsonClassifier,
  xmlClassifier,
  logClassifier,
  csvClassifier,
];

/** Endings of what is never a table, so that a crawl need not read it: text for people, pictures, archives, programs. */
const NEVER =
  /\.(md|markdown|rst|html?|css|js|ts|py|ipynb|sql|sh|ya?ml|toml|ini|cfg|xsd|pdf|docx?|xlsx?|pptx?|png|jpe?g|gif|svg|webp|ico|mp[34]|tar|tgz|7z|rar|jar|exe|so|dll|lock|bak|tmp|swp|crc|md5|sha\d+)$/i;

/** Whether nobody would read it: it is no table by its name, and no classifier of somebody's own wants to see it first. */
export function isNeverRead({ path, size }: ByteSource, custom: readonly ClassifierSpec[]): boolean {
  return size === 0 || (custom.length === 0 && NEVER.test(path));
}

/**
 * What the bytes are, by their content: first what somebody's own classifiers say, whatever the file is called. Undefined: no
 * classifier knows them. Throws what a classifier throws that knows, and cannot read.
 */
export async function classify(
  source: ByteSource,
  limits: ClassifyLimits,
  custom: readonly ClassifierSpec[] = [],
  classifiers: readonly Classifier[] = CLASSIFIERS,
): Promise<Classification | undefined> {
  if (isNeverRead(source, custom)) return undefined;
  const shared = remember(source);
  let best: Classification | undefined;
  for (const spec of custom) {
    const found = await customClassifier(spec).classify(shared, limits);
    if (found?.confidence === 1) return found;
    if (found !== undefined && found.confidence > (best?.confidence ?? 0)) best = found;
  }
  if (NEVER.test(source.path)) return best;
  for (const classifier of namedFirst(classifiers, source.path)) {
    const found = await classifier.classify(shared, limits);
    if (found !== undefined && found.confidence > (best?.confidence ?? 0)) best = found;
    if (best !== undefined && best.confidence >= 0.9) break;
  }
  return best;
}

/** What a name says is asked first; it is sure or knows nothing, so that the order among the others is as it was. */
function namedFirst(classifiers: readonly Classifier[], path: string): readonly Classifier[] {
  const named = classifiers.filter((one) => one.named?.test(path) === true);
  return named.length === 0 ? classifiers : [...named, ...classifiers.filter((one) => !named.includes(one))];
}

import { fileCrawler } from '../../crawlers/file.ts';
import type { Crawler, Finding, ObjectsFinding } from '../../src/crawl/crawler.ts';
import { TenonError } from '../../src/model/errors.ts';

/** What to do with the findings of the file crawler before they reach the runner. */
export interface Script {
  /** A checkpoint after every so many objects. */
  readonly checkpoints?: number;
  /** Objects at or below this path are unknown instead. */
  readonly unknown?: string;
  /** Fails after so many objects. */
  readonly failAfter?: number;
  /** Ends without saying that it is complete. */
  readonly incomplete?: boolean;
  /** Called for each object. */
  readonly onObject?: (path: string) => void;
}

/** Objects that come many at once, one by one: so that a script can step in anywhere. */
async function* singly(findings: AsyncIterable<Finding>): AsyncGenerator<Exclude<Finding, ObjectsFinding>> {
  for await (const finding of findings) {
    if (finding.kind === 'objects') yield* finding.objects;
    else yield finding;
  }
}

/** The file crawler, with a script of what goes wrong. */
export function scripted(script: Script): typeof fileCrawler {
  return { ...fileCrawler, crawl: (options, context) => play(fileCrawler.crawl(options, context), script) };
}

async function* play(findings: AsyncIterable<Finding>, script: Script): AsyncGenerator<Finding> {
  let objects = 0;
  let told = false;
  for await (const finding of singly(findings)) {
    if (finding.kind === 'checkpoint') {
      yield { ...finding, complete: finding.complete && script.incomplete !== true };
      continue;
    }
    if (finding.kind !== 'object') {
      yield finding;
      continue;
    }
    if (script.unknown !== undefined && (finding.path === script.unknown || finding.path.startsWith(`${script.unknown}/`))) {
      if (!told) yield { kind: 'unknown', path: script.unknown, error: new TenonError('SOURCE_DENIED', 'It may not be read.') };
      told = true;
      continue;
    }
    script.onObject?.(finding.path);
    yield finding;
    objects += 1;
    if (objects === script.failAfter) throw new TenonError('SOURCE_UNAVAILABLE', 'The source has gone.');
    if (script.checkpoints !== undefined && objects % script.checkpoints === 0) {
      yield { kind: 'checkpoint', cursor: finding.path, complete: false };
    }
  }
}

/** A crawler that yields what it is given. */
export function listed(findings: readonly Finding[], covers: (location: string) => boolean = () => true): Crawler {
  return {
    kind: 'listed',
    parse: (raw) => raw,
    fromUrl: () => undefined,
    scope: () => 'listed',
    covers: (_options, location) => covers(location),
    async *crawl() {
      yield* findings;
    },
  };
}

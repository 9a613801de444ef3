import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Connections } from '../connections/connections.ts';
import type { CrawlContext, Crawler, Finding, ObjectFinding } from '../crawl/crawler.ts';
import { TenonError } from '../model/errors.ts';

/** Opening a source may have to fetch a server first. */
const OPEN_TIMEOUT_MS = 600_000;

/** A source that stands still, with all that the suite has to know about it. */
export interface CrawledSource<Options = unknown> {
  readonly crawler: Crawler<Options>;
  /** As a definition holds them, before `parse`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Left out: the crawler needs none. */
  readonly connections?: Connections;
  readonly connection?: string;
  /** The paths of the objects, or the names of the tables, in the order in which they are to come. */
  readonly expected: readonly string[];
  /** What must not be in anything that the crawler says. */
  readonly secrets: readonly string[];
  /** A URL of this source that a person might type, with a secret where the kind has one. */
  readonly url: string;
  /** Makes part of the source unreadable. Returns what is now unknown, and takes it back in the end. */
  readonly spoil?: () => Promise<{ unknown: readonly string[]; restore(): Promise<void> }>;
  /** Makes the source go away, in mid-crawl. Nothing comes after. */
  readonly vanish: () => Promise<void>;
  close(): Promise<void>;
}

export interface Crawled {
  readonly findings: Finding[];
  readonly error?: unknown;
  readonly bill: Record<string, number>;
}

/** Crawls to the end or the error. `each` may interfere. */
export async function crawlAll<Options>(
  source: Pick<CrawledSource<Options>, 'crawler' | 'options' | 'connections' | 'connection'>,
  options: {
    cursor?: string;
    signal?: AbortSignal;
    each?: (finding: Finding, number: number) => unknown;
    previous?: CrawlContext['previous'];
  } = {},
): Promise<Crawled> {
  const bill: Record<string, number> = {};
  const context: CrawlContext = {
    connections: source.connections ?? noConnections(),
    connection: source.connection,
    signal: options.signal ?? new AbortController().signal,
    cursor: options.cursor,
    log: () => undefined,
    previous: (location) => options.previous?.(location),
    spend: (cost) => Object.entries(cost).forEach(([key, value]) => (bill[key] = (bill[key] ?? 0) + value)),
  };
  const findings: Finding[] = [];
  try {
    for await (const finding of source.crawler.crawl(source.crawler.parse(source.options), context)) {
      findings.push(finding);
      await options.each?.(finding, findings.length);
    }
    return { findings, bill };
  } catch (error) {
    return { findings, error, bill };
  }
}

/** The objects of a finding, whether they come one by one or many at once. */
export function objectsOf(finding: Finding): readonly ObjectFinding[] {
  return finding.kind === 'object' ? [finding] : finding.kind === 'objects' ? finding.objects : [];
}

/** For a crawler that reaches its source by itself. */
function noConnections(): Connections {
  const none = (): never => {
    throw new TenonError('BAD_INPUT', 'This source was opened without connections.');
  };
  return new Proxy({} as Connections, { get: () => none });
}

/** The paths of objects, the name of a table; nothing for other findings. */
export function seen(findings: readonly Finding[]): string[] {
  return findings.flatMap((finding) => (finding.kind === 'table' ? [finding.name] : objectsOf(finding).map(({ path }) => path)));
}

export function isComplete(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.kind === 'checkpoint' && finding.complete);
}

/**
 * What every crawler does, whatever it crawls. `whole` says that a source of this kind is readable whole or not at all, so
 * that there is nothing to `spoil`.
 */
export function describeCrawler<Options>(
  kind: string,
  open: () => Promise<CrawledSource<Options> | { readonly skip: string }>,
  { whole = false }: { readonly whole?: boolean } = {},
): void {
  describe(`crawler: ${kind}`, () => {
    let opened: CrawledSource<Options> | { readonly skip: string } | undefined;
    let source: CrawledSource<Options>;

    beforeAll(async () => {
      opened = await open();
    }, OPEN_TIMEOUT_MS);
    afterAll(async () => {
      if (opened !== undefined && !('skip' in opened)) await opened.close();
    });
    beforeEach((context) => {
      if (opened === undefined) throw new Error('The source was not opened.');
      if ('skip' in opened) context.skip(opened.skip);
      else source = opened;
    });

    it('finds all there is, in order, and says at the very end that this is all', async () => {
      const { findings, error } = await crawlAll(source);
      expect(error).toBeUndefined();
      expect(seen(findings)).toEqual(source.expected);
      expect(findings.at(-1)).toMatchObject({ kind: 'checkpoint', complete: true });
      expect(findings.filter((finding) => finding.kind === 'checkpoint' && finding.complete)).toHaveLength(1);
      expect(findings.filter(({ kind: what }) => what === 'unknown')).toEqual([]);
    });

    it('goes on after each checkpoint with what follows, and nothing twice', async () => {
      const { findings } = await crawlAll(source);
      for (const [i, checkpoint] of findings.entries()) {
        if (checkpoint.kind !== 'checkpoint') continue;
        const rest = await crawlAll(source, { cursor: checkpoint.cursor });
        expect(rest.error).toBeUndefined();
        expect(seen(rest.findings)).toEqual(seen(findings.slice(i)));
        expect(isComplete(rest.findings)).toBe(true);
      }
    });

    it('finds the same in the same state, to the byte', async () => {
      const [first, second] = [await crawlAll(source), await crawlAll(source)];
      expect(JSON.stringify(second.findings)).toBe(JSON.stringify(first.findings));
      expect(Object.keys(first.bill).length).toBeGreaterThan(0);
    });

    it('stops at once when it is told to', async () => {
      const stop = new AbortController();
      const reason = new TenonError('STOPPED', 'Enough.');
      const { findings, error } = await crawlAll(source, { signal: stop.signal, each: () => stop.abort(reason) });
      expect(error).toBe(reason);
      expect(findings).toHaveLength(1);
      const before = await crawlAll(source, { signal: AbortSignal.abort(reason) });
      expect(before).toMatchObject({ error: reason, findings: [] });
    });

    it('leaves nothing open when its reader goes away', async () => {
      const { error } = await crawlAll(source, {
        each: () => {
          throw new Error('The reader went away.');
        },
      });
      expect(error).toMatchObject({ message: 'The reader went away.' });
      expect((await crawlAll(source)).error).toBeUndefined();
    });

    const where = whole ? undefined : it;
    where?.('says unknown where it may not read, and finds the rest', async () => {
      if (source.spoil === undefined) throw new Error('This source has no way to be spoiled.');
      const { unknown, restore } = await source.spoil();
      try {
        const { findings, error } = await crawlAll(source);
        expect(error).toBeUndefined();
        const said = findings.flatMap((finding) => (finding.kind === 'unknown' ? [finding] : []));
        expect(said.map(({ path }) => path)).toEqual(unknown);
        for (const { error: why } of said) expect(why).toBeInstanceOf(TenonError);
        const covered = (name: string) => unknown.some((path) => name === path || name.startsWith(`${path}/`));
        expect(seen(findings)).toEqual(source.expected.filter((name) => !covered(name)));
      } finally {
        await restore();
      }
    });

    it('covers every location that it finds, and its scope says the same in any spelling', async () => {
      const options = source.crawler.parse(source.options);
      const { findings } = await crawlAll(source);
      for (const finding of findings) {
        const located = finding.kind === 'table' ? [finding] : objectsOf(finding);
        for (const { location } of located) expect(source.crawler.covers(options, location), location).toBe(true);
      }
      const again = source.crawler.parse(Object.fromEntries(Object.entries(source.options).toReversed()));
      expect(source.crawler.scope(again)).toBe(source.crawler.scope(options));
    });

    it('keeps its secrets out of findings, scope and options', async () => {
      const taken = source.crawler.fromUrl(new URL(source.url));
      expect(taken).toBeDefined();
      const options = source.crawler.parse(taken?.options);
      const { findings } = await crawlAll(source);
      const said = JSON.stringify([findings, taken?.options, source.crawler.scope(options)]);
      for (const secret of source.secrets) expect(said).not.toContain(secret);
      expect(source.crawler.fromUrl(new URL('gopher://elsewhere/x'))).toBeUndefined();
    });

    it('names every mistake in its options at once, before it touches anything', () => {
      const parse = () => source.crawler.parse({ ...source.options, nonsense: 1, exclude: 7, tables: 7 });
      expect(parse).toThrow(expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining('nonsense') }));
      expect(() => source.crawler.parse(undefined)).toThrow(TenonError);
    });

    it('throws when its source goes away, and never calls that complete', async () => {
      const { findings, error } = await crawlAll(source, { each: (_, number) => (number === 1 ? source.vanish() : undefined) });
      expect(isComplete(findings)).toBe(false);
      expect(error).toMatchObject({ name: 'TenonError', code: expect.stringMatching(/^SOURCE_/) });
      for (const secret of source.secrets) expect(JSON.stringify([error, String(error)])).not.toContain(secret);
    });
  });
}

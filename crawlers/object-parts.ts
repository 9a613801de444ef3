import { compareBytes } from '../src/connections/byte-order.ts';
import type { ListOptions, ObjectStore, StoredObject } from '../src/connections/object-store.ts';
import type { Part } from '../src/crawl/crawler.ts';

type Pages = AsyncGenerator<readonly StoredObject[]>;

/**
 * The objects of some folders, in byte order of their paths: of folders whose files alone are wanted, or with all below.
 * One folder may lie inside of another; what is in it comes where its name would.
 */
export async function* listParts(store: ObjectStore, url: string, parts: readonly Part[], how: ListOptions): Pages {
  const rest = parts.filter(({ folder }) => !isLeftOut(folder, how)).toReversed();
  const ignore = (): void => undefined;

  async function* take({ folder, below }: Part): Pages {
    for await (const page of store.pages(url, { ...how, folder, ...(!below && { onFolder: ignore }) })) {
      let left = page;
      for (let next = nextIn(folder); next !== undefined; next = nextIn(folder)) {
        const { folder: place } = next;
        const at = left.findIndex(({ path }) => compareBytes(path, place) > 0);
        if (at < 0) break;
        if (at > 0) yield left.slice(0, at);
        left = left.slice(at);
        yield* takeNext();
      }
      yield left;
    }
    while (nextIn(folder) !== undefined) yield* takeNext();
  }

  const nextIn = (folder: string): Part | undefined =>
    rest.at(-1)?.folder.startsWith(folder) === true ? rest.at(-1) : undefined;
  async function* takeNext(): Pages {
    const part = rest.pop();
    if (part !== undefined) yield* take(part);
  }
  while (rest.length > 0) yield* takeNext();
}

function isLeftOut(folder: string, { skip }: ListOptions): boolean {
  const names = folder === '' ? [] : folder.split(/(?<=\/)(?!$)/);
  return skip !== undefined && names.some((_, i) => skip(names.slice(0, i + 1).join('')));
}

import type { Page, PageRequest } from './ground.ts';

/*
 * Pages of a list in the order of one text that each row has (a name, an id). The text is the cursor, so a page goes on at the
 * right place whatever came and went meanwhile.
 */

/** The text after which a page begins; undefined for the first. */
export function textBefore(page: PageRequest): string | undefined {
  return page.after === undefined ? undefined : Buffer.from(page.after, 'base64url').toString();
}

/** Made of `page.first` rows and, where there are more, at least one further. */
export function textPage<Row, T>(
  rows: readonly Row[],
  page: PageRequest,
  textOf: (row: Row) => string,
  itemOf: (row: Row) => T,
): Page<T> {
  return {
    items: rows
      .slice(0, page.first)
      .map((row) => ({ cursor: Buffer.from(textOf(row)).toString('base64url'), item: itemOf(row) })),
    hasNextPage: rows.length > page.first,
  };
}

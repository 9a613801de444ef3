import { authorize } from '../access/authorize.ts';
import { checkPage } from '../catalog/cursor.ts';
import type { Page } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import type { Hit, SearchIndex, SearchQuery } from './search-index.ts';

/** Finds databases, tables and columns. Whoever may read the catalog may search all of it. */
export async function search(index: SearchIndex, as: Principal, query: SearchQuery): Promise<Page<Hit>> {
  authorize(as, 'read', 'the search index');
  checkPage(query);
  return index.search(query);
}

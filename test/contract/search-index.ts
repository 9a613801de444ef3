import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/db.ts';
import { STAGES, type Document, type Hit, type SearchIndex, type SearchQuery } from '../../src/search/search-index.ts';

interface OpenIndex {
  readonly index: SearchIndex;
  readonly db: Db;
  /** Resolves when what was put can be found. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface SearchIndexSuite {
  readonly name: string;
  open(): Promise<OpenIndex>;
  readonly skip?: readonly { readonly reason: string; readonly test: string }[];
}

/** `lake.orders.items.price` with a description; arrays by `[]` in the name only. */
export function documentOf(name: string, description?: string): Document {
  const path = name.replaceAll('[]', '').split('.');
  const kind = path.length === 1 ? 'database' : path.length === 2 ? 'table' : 'column';
  const tableId = path.length === 1 ? undefined : path.slice(0, 2).join('.');
  return { id: `${kind}:${name}`, kind, name, path, tableId, description };
}

const LAKE: readonly Document[] = [
  documentOf('lake', 'Everything that was sold'),
  documentOf('lake.orders', 'One row for each order of a customer'),
  documentOf('lake.orders.id'),
  documentOf('lake.orders.customerId', 'who bought'),
  documentOf('lake.orders.address.street'),
  documentOf('lake.orders.items[].price', 'without tax'),
  documentOf('lake.customer', 'Natural persons and companies'),
  documentOf('lake.customer.id'),
  documentOf('lake.customer.email'),
  documentOf('lake.customer_email', 'All addresses of all times'),
  documentOf('lake.customer_email.email'),
  documentOf('lake.customer_emails_archive'),
  documentOf('house'),
  documentOf('house.orders', 'From the old shop'),
  documentOf('house.orders.id'),
  documentOf('house.HTTPServerLog', 'Größe und Dauer; a café'),
  documentOf('house.s3_objects'),
];

/** What every search index does, whatever it is made of. */
export function describeSearchIndex(suite: SearchIndexSuite): void {
  const test = (name: string, fn: () => Promise<void>): void => {
    const skipped = suite.skip?.find((one) => one.test === name);
    if (skipped === undefined) it(name, fn);
    else it.skip(`${name} (${skipped.reason})`, fn);
  };

  describe(`the search index ${suite.name}`, () => {
    let open: OpenIndex;
    beforeAll(async () => {
      open = await suite.open();
      await fill(LAKE);
    });
    afterAll(() => open.close());

    const fill = async (documents: readonly Document[]) => {
      await open.index.put(open.db, documents);
      await open.settled();
    };
    const find = async (text: string, more: Partial<SearchQuery> = {}): Promise<readonly Hit[]> =>
      (await open.index.search({ text, first: 50, ...more })).items.map(({ item }) => item);
    const names = async (text: string, more: Partial<SearchQuery> = {}) => (await find(text, more)).map(({ name }) => name);

    test('puts the full name first, however it is written', async () => {
      for (const { name } of LAKE) {
        for (const text of [name, name.toUpperCase(), ` ${name} `]) {
          const [best] = await find(text);
          expect(best).toMatchObject({
            name,
            stage: 'full name',
            score: 1,
            why: [{ field: 'name', reason: `is exactly «${text.trim()}»` }],
          });
        }
      }
    });

    test('puts everything of an exact name before what only has the word', async () => {
      expect((await names('orders')).slice(0, 2)).toEqual(['lake.orders', 'house.orders']);
      expect((await names('email')).slice(0, 2)).toEqual(['lake.customer.email', 'lake.customer_email.email']);
      expect((await names('orders.id')).slice(0, 2)).toEqual(['lake.orders.id', 'house.orders.id']);
      expect((await names('items[].price'))[0]).toBe('lake.orders.items[].price');
      expect((await names('address.street'))[0]).toBe('lake.orders.address.street');
    });

    test('ranks all words in the name, then their beginnings, then parents', async () => {
      const hits = await find('customer email');
      expect(hits.map(({ name, stage }) => [name, stage]).slice(0, 4)).toEqual([
        ['lake.customer_email', 'words'],
        ['lake.customer_emails_archive', 'prefix'],
        ['lake.customer.email', 'parents'],
        ['lake.customer_email.email', 'parents'],
      ]);
    });

    test('never ranks a later stage above an earlier one', async () => {
      for (const text of ['orders', 'customer', 'id', 'customer email', 'lake', 'custmer', 'order of customer', 'o']) {
        const stages = (await find(text)).map(({ stage }) => STAGES.indexOf(stage));
        expect(stages).toEqual([...stages].sort((a, b) => a - b));
        const scores = (await find(text)).map(({ score }) => score);
        expect(scores).toEqual([...scores].sort((a, b) => b - a));
        expect(scores.every((score) => score > 0 && score <= 1)).toBe(true);
      }
    });

    test('lists databases, tables, columns in this order where nothing else decides', async () => {
      const kinds = (await find('lake')).map(({ kind, stage }) => `${stage} ${kind}`);
      expect(kinds[0]).toBe('full name database');
      const others = kinds.filter((one) => one.startsWith('parents'));
      expect(others).toEqual([...others].sort().reverse());
    });

    test('finds what was typed with a typo, and says what it took it for', async () => {
      for (const typo of ['custmer', 'cusstomer', 'CUSTOMRE', 'kustomer']) {
        const hits = await find(typo);
        expect(hits[0]).toMatchObject({ name: 'lake.customer', stage: 'typo' });
        expect(hits[0]?.why).toEqual([{ field: 'name', reason: `«${typo.toLowerCase()}» is close to «customer»` }]);
      }
      expect((await names('emial'))[0]).toBe('lake.customer.email');
    });

    test('takes a name that is all that was asked for before one that has more', async () => {
      await fill(
        ['yard.bee_hive_log', 'yard.tables.bee_hive', 'yard.tables.bee_hives', 'yard.hive_bee'].map((name) => documentOf(name)),
      );
      expect((await names('bee hive')).slice(0, 3)).toEqual(['yard.tables.bee_hive', 'yard.hive_bee', 'yard.bee_hive_log']);
      expect((await names('bee hvie'))[0]).toBe('yard.tables.bee_hive');
      await open.index.remove(open.db, { database: 'yard' });
      await open.settled();
    });

    test('finds by the beginning of a word', async () => {
      const hits = await find('cust');
      expect(hits.slice(0, 3).map(({ name }) => name)).toEqual([
        'lake.customer',
        'lake.customer_email',
        'lake.customer_emails_archive',
      ]);
      expect(hits[0]?.why).toEqual([{ field: 'name', reason: '«customer» begins with «cust»' }]);
    });

    test('splits camelCase, snake_case and dots, and finds them written as one', async () => {
      for (const text of ['customer id', 'customer_id', 'customerId', 'CUSTOMERID', 'customer-id']) {
        expect((await names(text))[0]).toBe('lake.orders.customerId');
      }
      for (const text of ['http server', 'httpserverlog', 'HTTPServer', 'server_log'])
        expect((await names(text))[0]).toBe('house.HTTPServerLog');
      expect((await names('s3'))[0]).toBe('house.s3_objects');
    });

    test('finds words of descriptions last, in any case and without accents', async () => {
      expect((await find('natural companies'))[0]).toMatchObject({
        name: 'lake.customer',
        stage: 'description',
        why: [
          { field: 'description', reason: 'has «natural»' },
          { field: 'description', reason: 'has «companies»' },
        ],
      });
      for (const text of ['cafe', 'CAFÉ', 'große', 'größe']) expect(await names(text)).toEqual(['house.HTTPServerLog']);
    });

    test('does not find nothing because one word is unknown, and says which', async () => {
      const hits = await find('customer zzyzx email');
      expect(hits[0]).toMatchObject({ name: 'lake.customer_email', stage: 'some words' });
      expect(hits[0]?.why).toContainEqual({ field: 'query', reason: '«zzyzx» was not found here' });
      expect(await names('zzyzx qqqqq')).toEqual([]);
    });

    test('searches one database, or some kinds only', async () => {
      expect(await names('orders', { database: 'house' })).toEqual(['house.orders', 'house.orders.id']);
      expect((await find('id', { kinds: ['column'] })).every(({ kind }) => kind === 'column')).toBe(true);
      expect(await names('lake', { kinds: ['database'] })).toEqual(['lake']);
      expect(await names('orders', { kinds: ['table', 'database'], database: 'HOUSE' })).toEqual(['house.orders']);
      expect(await names('orders', { kinds: [] })).toEqual([]);
      expect(await names('orders', { database: 'nowhere' })).toEqual([]);
    });

    test('gives each hit once, page by page, in the order of one long page', async () => {
      for (const text of ['id', 'orders', 'customer email', 'customer zzyzx', 'custmer', 'lake']) {
        const all = await names(text);
        for (const first of [1, 2, 3]) {
          const seen: string[] = [];
          let after: string | undefined;
          do {
            const page = await open.index.search({ text, first, after });
            expect(page.items.length).toBeLessThanOrEqual(first);
            seen.push(...page.items.map(({ item }) => item.name));
            after = page.hasNextPage ? page.items.at(-1)?.cursor : undefined;
          } while (after !== undefined);
          expect(seen).toEqual(all);
        }
      }
    });

    test('refuses a cursor of another search, and one that is none', async () => {
      const page = await open.index.search({ text: 'orders', first: 1 });
      const after = page.items[0]?.cursor;
      await expect(open.index.search({ text: 'id', first: 1, after })).rejects.toMatchObject({ code: 'BAD_INPUT' });
      await expect(open.index.search({ text: 'orders', database: 'lake', first: 1, after })).rejects.toMatchObject({
        code: 'BAD_INPUT',
      });
      for (const bad of ['', 'x', 'bm9uZQ', '\u0000', "'"]) {
        await expect(open.index.search({ text: 'orders', first: 1, after: bad })).rejects.toMatchObject({ code: 'BAD_INPUT' });
      }
    });

    test('finds nothing for nothing, and refuses more than 500 characters', async () => {
      for (const text of ['', '   ', '\u0000', '\n']) expect(await names(text)).toEqual([]);
      await expect(find('x'.repeat(501))).rejects.toMatchObject({ code: 'LIMIT' });
      await find('ab '.repeat(166));
      await find(Array.from({ length: 100 }, (_, i) => `w${i}`).join(' '));
    });

    test('takes any text for what it is: text', async () => {
      const hostile = [
        "'; drop table search_documents; --",
        "a' & 'b",
        'a:*',
        '!(x)',
        '<->',
        '\\',
        "\\'",
        "it''s",
        '%',
        '_',
        '100%',
        '{}',
        '"; x',
        '🦀',
        'ﷺ',
        '\u0000a',
        '\uD800',
        '=',
        '==lake',
        '@lake',
        '#table',
        'a|b&c',
        '\u202eabc',
      ];
      for (const text of hostile) await find(text);
      const documents = hostile
        .filter((text) => !text.includes('\u0000') && !text.includes('\uD800'))
        .map((text, i): Document => ({
          id: `column:hostile:${i}`,
          kind: 'column',
          name: `odd.hostile.${text}`,
          path: ['odd', 'hostile', text],
          tableId: 'hostile',
          description: text,
        }));
      await fill(documents);
      for (const { name } of documents) {
        const hits = await find(name);
        expect(hits.map((hit) => hit.name)).toContain(name);
      }
      await open.index.remove(open.db, { tableIds: ['hostile'] });
      await open.settled();
      expect(await names('hostile')).toEqual([]);
      expect(await names('lake')).not.toEqual([]);
    });

    test('replaces a document of the same id, and forgets its former words', async () => {
      const before = documentOf('shop.parrots', 'norwegian');
      await fill([before, documentOf('shop.parrots.plumage')]);
      await fill([{ ...before, description: 'blue' }]);
      expect(await names('norwegian')).toEqual([]);
      expect(await names('blue')).toEqual(['shop.parrots']);
      await fill([
        { ...before, description: 'green' },
        { ...before, description: 'red' },
      ]);
      expect(await names('green')).toEqual([]);
      expect(await names('red')).toEqual(['shop.parrots']);
    });

    test('removes what a table no longer has, a table, or a database with all that is in it', async () => {
      const documents = ['zoo', 'zoo.apes', 'zoo.apes.name', 'zoo.apes.age', 'zoo.bees', 'zoo.bees.hive'].map((name) =>
        documentOf(name),
      );
      await fill([...documents, documentOf('zoo_two.apes')]);
      await open.index.remove(open.db, { tableIds: ['zoo.apes'], except: ['table:zoo.apes', 'column:zoo.apes.name'] });
      await open.settled();
      expect(new Set(await names('zoo', { database: 'zoo' }))).toEqual(
        new Set(['zoo', 'zoo.apes', 'zoo.apes.name', 'zoo.bees', 'zoo.bees.hive']),
      );
      await open.index.remove(open.db, { tableIds: ['zoo.apes', 'zoo.unheard'] });
      await open.settled();
      expect(new Set(await names('zoo', { database: 'zoo' }))).toEqual(new Set(['zoo', 'zoo.bees', 'zoo.bees.hive']));
      await open.index.remove(open.db, { database: 'zoo' });
      await open.settled();
      expect(await names('zoo', { database: 'zoo' })).toEqual([]);
      expect(await names('zoo_two.apes')).toContain('zoo_two.apes');
    });

    test('lists the databases and tables that it knows, page by page', async () => {
      const seen: string[] = [];
      let after: string | undefined;
      for (;;) {
        const roots = await open.index.roots(open.db, { first: 2, after });
        seen.push(...roots.map(({ name }) => name));
        after = roots.at(-1)?.id;
        if (after === undefined) break;
      }
      expect(new Set(seen)).toEqual(
        new Set([...LAKE.filter(({ kind }) => kind !== 'column').map(({ name }) => name), 'shop.parrots', 'zoo_two.apes']),
      );
      expect(seen).toHaveLength(new Set(seen).size);
    });

    test('is empty when it was cleared, and fills again', async () => {
      await open.index.clear(open.db);
      await open.settled();
      expect(await names('lake')).toEqual([]);
      await fill(LAKE);
      expect((await names('lake'))[0]).toBe('lake');
    });
  });
}

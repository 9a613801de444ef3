import { sql, type SQL } from 'drizzle-orm';
import { cursorsOf, type CursorPart, type Cursors } from '../catalog/cursor.ts';
import type { Db } from '../db/db.ts';
import { documents } from '../db/tables/search.ts';
import { TenonError } from '../model/errors.ts';
import type { Page } from '../model/ground.ts';
import { findMeanings, findTypos } from './dictionary.ts';
import { filterMarks, nameKey } from './lexemes.ts';
import { DOCUMENT_KINDS, STAGES, type DocumentKind, type Hit, type SearchQuery, type Stage } from './search-index.ts';
import { eachWord, stageQuery, wholeName, type Sought } from './stages.ts';
import { explain } from './why.ts';
import { wordsOf } from './words.ts';

const MAX_QUERY_CHARS = 500;
const MAX_QUERY_WORDS = 16;
/**
 * So many matches of one stage are ranked, for tables and for columns. Where more match (a word that stands everywhere) any so
 * many of them are, and the others cannot be reached by paging: it bounds the work of a search whatever the index holds.
 */
const MAX_RANKED = 1_000;
/** The same for each word, where any word will do. */
const MAX_RANKED_OF_WORD = 300;
const PLACE_PARTS = 6;

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly kind: DocumentKind;
  readonly name: string;
  readonly table_id: string | null;
  readonly description: string | null;
  readonly missing: number;
  readonly kind_rank: number;
  readonly length: number;
  readonly name_words: string[];
  readonly parent_words: string[];
  readonly description_words: string[];
}

/** One search on its way through the stages. */
interface Search {
  readonly db: Db;
  readonly query: SearchQuery;
  readonly kinds: readonly DocumentKind[];
  readonly cursors: Cursors;
  sought: Sought;
}

/**
 * Goes through the stages, best first, until the page is full: the later and dearer ones (typos, any word) are not looked at
 * when there is enough of what was asked for by name.
 */
export async function searchPostgres(db: Db, query: SearchQuery): Promise<Page<Hit>> {
  if (query.text.length > MAX_QUERY_CHARS) {
    throw new TenonError('LIMIT', `A search has at most ${MAX_QUERY_CHARS} characters, not ${query.text.length}.`, {
      limit: MAX_QUERY_CHARS,
    });
  }
  const kinds = DOCUMENT_KINDS.filter((kind) => query.kinds === undefined || query.kinds.includes(kind));
  const cursors = cursorsOf(['search', query.text, query.database ?? '', kinds]);
  const from = cursors.decode(query, PLACE_PARTS);
  const key = nameKey(query.text);
  if (kinds.length === 0 || key === '') return { items: [], hasNextPage: false };
  const words = [...new Set(wordsOf(query.text))].slice(0, MAX_QUERY_WORDS);
  const search: Search = { db, query, kinds, cursors, sought: { key, meanings: await findMeanings(db, words) } };
  return fillPage(search, from);
}

async function fillPage(search: Search, from: readonly CursorPart[] | undefined): Promise<Page<Hit>> {
  const { first } = search.query;
  const firstStage = from === undefined ? 0 : Number(from[0]);
  const items: { cursor: string; item: Hit }[] = [];
  // Any word will do only when nothing has them all: else it is noise, and the dearest stage.
  let foundBetter = from !== undefined && firstStage < STAGES.indexOf('some words');
  for (const [number, stage] of STAGES.entries()) {
    if (stage === 'typo') search.sought = { ...search.sought, meanings: await findTypos(search.db, search.sought.meanings) };
    if (number < firstStage || (stage === 'some words' && foundBetter)) continue;
    const rows = await searchStage(search, stage, first + 1 - items.length, number === firstStage ? from?.slice(1) : undefined);
    items.push(...rows.map((row) => ({ cursor: cursorOf(search, number, row), item: hitOf(search, number, row) })));
    foundBetter ||= rows.length > 0;
    if (items.length > first) return { items: items.slice(0, first), hasNextPage: true };
  }
  return { items, hasNextPage: false };
}

async function searchStage(
  search: Search,
  stage: Stage,
  limit: number,
  after: readonly CursorPart[] | undefined,
): Promise<readonly Row[]> {
  const wanted = stageQuery(stage, search.sought);
  const before = earlierQueries(stage, search.sought);
  if (wanted === undefined || before.includes(wanted)) return [];
  const [missing, kind, length, name, id] = after ?? [];
  const beyond =
    after === undefined
      ? sql`true`
      : sql`(missing, kind_rank, length, name collate "C", id collate "C") > (${missing}::int, ${kind}::int, ${length}::int, ${name}::text, ${id}::text)`;
  const { rows } = await search.db.execute<Row>(sql`
    select id, kind, name, table_id, description, missing, kind_rank, length,
      tsvector_to_array(ts_filter(words, '{a}')) as name_words,
      tsvector_to_array(ts_filter(words, '{b}')) as parent_words,
      tsvector_to_array(ts_filter(words, '{c}')) as description_words
    from (
      select *, array_position(${sql.param([...DOCUMENT_KINDS])}::text[], kind) as kind_rank, length(name) as length,
        ${missingWords(stage, search.sought)} as missing
      from (${candidates(search, stage, wanted, before)}) candidates
    ) ranked
    where ${beyond}
    order by missing, kind_rank, length, name collate "C", id collate "C"
    limit ${limit}`);
  return rows;
}

/** A stage leaves out what an earlier one found: exact names, and the stage right before, which holds all others before it. */
function earlierQueries(stage: Stage, sought: Sought): string[] {
  const at = STAGES.indexOf(stage);
  const earlier = STAGES.slice(0, at).filter((one, i) => one === 'full name' || one === 'name' || i === at - 1);
  return earlier.flatMap((one) => stageQuery(one, sought) ?? []);
}

/** Tables and databases apart from columns, so that a bounded number of matches cannot be all columns. */
function candidates(search: Search, stage: Stage, wanted: string, before: readonly string[]): SQL {
  const most = stage === 'some words' ? MAX_RANKED_OF_WORD : MAX_RANKED;
  const matching = stage === 'some words' ? eachWord(search.sought, '') : [wanted];
  const groups = [search.kinds.filter((kind) => kind !== 'column'), search.kinds.filter((kind) => kind === 'column')];
  const excluded = before.map((query) => sql` and not words @@ ${query}::tsquery`);
  const parts = matching.flatMap((query) =>
    groups
      .filter((kinds) => kinds.length > 0)
      .map((kinds) => {
        const all = [query, ...filterMarks(search.query, kinds)].join('&');
        return sql`(select * from ${documents} where words @@ ${all}::tsquery${sql.join(excluded)} limit ${most})`;
      }),
  );
  const union = sql.join(parts, sql` union all `);
  return matching.length === 1 ? union : sql`select distinct on (id) * from (${union}) matches`;
}

/**
 * How far a hit is from what was asked for: in the stages that look into names, 0 where the name has nothing else in it; in
 * the looser ones, how many words its name lacks, where a word that it lacks everywhere weighs more than all others.
 */
function missingWords(stage: Stage, sought: Sought): SQL {
  const lacks = (query: string): SQL => sql`(not words @@ ${query}::tsquery)::int`;
  if (stage === 'words' || stage === 'typo') return lacks(wholeName(sought));
  if (stage !== 'parents' && stage !== 'description' && stage !== 'some words') return sql`0`;
  const notInName = eachWord(sought).map(lacks);
  const nowhere =
    stage === 'some words' ? eachWord(sought, '').map((query) => sql`${MAX_QUERY_WORDS + 1}::int * ${lacks(query)}`) : [];
  return sql.join([...notInName, ...nowhere], sql` + `);
}

function cursorOf(search: Search, stage: number, { missing, kind_rank, length, name, id }: Row): string {
  return search.cursors.encode([stage, missing, kind_rank, length, name, id]);
}

function hitOf({ query, sought }: Search, number: number, row: Row): Hit {
  const stage = STAGES[number] ?? 'some words';
  const words = { name: row.name_words, parents: row.parent_words, description: row.description_words };
  return {
    kind: row.kind,
    name: row.name,
    tableId: row.table_id ?? undefined,
    description: row.description ?? undefined,
    stage,
    score: 1 - number / STAGES.length,
    why: explain(stage, query.text.trim(), words, sought.meanings),
  };
}

import { search } from '../src/search/search.ts';
import type { DocumentKind, Hit, Stage, Why } from '../src/search/search-index.ts';
import { builder } from './builder.ts';
import { given } from './given.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';
import { TableRef } from './table.ts';

const KINDS: Readonly<Record<DocumentKind, string>> = {
  database: 'A database.',
  table: 'A table.',
  column: 'A column or a partition key, at any depth.',
};

const HitKindRef = builder.enumType('HitKind', {
  description: 'What was found.',
  values: Object.fromEntries(
    Object.entries(KINDS).map(([kind, description]) => [kind.toUpperCase(), { value: kind, description }]),
  ),
});

const STAGES: Readonly<Record<Stage, string>> = {
  'full name': 'It has exactly the full name that was asked for.',
  name: 'It has exactly the name.',
  words: 'Its name has all the words.',
  prefix: 'Its name has words that begin so.',
  typo: 'Its name has words that are close.',
  parents: 'The table or database around it has the words.',
  description: 'Its description has the words.',
  'some words': 'Some of the words were found.',
};

const HitStageRef = builder.enumType('HitStage', {
  description: 'Why something is a hit, the best reason first. Every hit of a stage comes before any of the next.',
  values: Object.fromEntries(
    Object.entries(STAGES).map(([stage, description]) => [stage.replace(' ', '_').toUpperCase(), { value: stage, description }]),
  ),
});

const WhyRef = builder.objectRef<Why>('Why').implement({
  description: 'Where a word of the query was found.',
  fields: (t) => ({
    field: t.exposeString('field', {
      description: '`name`, `parents`, `description`, or `query` for a word that was not found.',
    }),
    reason: t.exposeString('reason', { description: 'For people: «custmer» is close to «customer».' }),
  }),
});

const HitRef = builder.objectRef<Hit>('Hit').implement({
  description: 'Something that was found.',
  fields: (t) => ({
    kind: t.field({ type: HitKindRef, description: 'What it is.', resolve: ({ kind }) => kind }),
    name: t.exposeString('name', { description: 'Its full name: `lake.orders.items[].price`.' }),
    description: t.string({ nullable: true, description: 'What is known about it.', resolve: ({ description }) => description }),
    stage: t.field({ type: HitStageRef, description: 'The best reason.', resolve: ({ stage }) => stage }),
    score: t.exposeFloat('score', { description: 'From 1 down, the same for all hits of a stage.' }),
    why: t.field({
      type: [WhyRef],
      description: 'For each word of the query where it was found.',
      resolve: ({ why }) => [...why],
    }),
    table: t.field({
      type: TableRef,
      nullable: true,
      description: 'The table, or the one that the column is in; null for a database.',
      resolve: async ({ tableId }, _, { loaders }) =>
        tableId === undefined ? null : await loaders.table.load({ key: tableId, asOf: undefined }),
    }),
  }),
});

const HitConnection = builder.connectionObject(
  { type: HitRef, name: 'HitConnection', description: 'A page of hits.' },
  { name: 'HitEdge', description: 'A hit in a list.' },
);

const SearchFilterRef = builder.inputType('SearchFilter', {
  description: 'Which hits. As in all filters here: all that is given must hold; of a list one value must.',
  fields: (t) => ({
    kinds: t.field({ type: [HitKindRef], description: 'Of one of these kinds.' }),
    database: t.string({ description: 'In this database, or the database itself.' }),
  }),
});

builder.queryFields((t) => ({
  search: t.field({
    type: HitConnection,
    description:
      'Databases, tables and columns by their names and descriptions, the best hits first. The index is a moment behind the catalog.',
    args: {
      text: t.arg.string({ required: true, description: 'Words, beginnings of words, or a name. Typing mistakes are forgiven.' }),
      filter: t.arg({ type: SearchFilterRef, description: 'Which; left out: all.' }),
      ...pageArgs(t),
    },
    resolve: async (_, args, { tenon, as }) => {
      const { kinds, database } = given(args.filter);
      const query = {
        text: args.text,
        kinds: kinds as DocumentKind[] | undefined,
        database,
        ...pageOf(args, tenon.config.limits),
      };
      return connectionOf(await search(tenon.search, as, query), args, same);
    },
  }),
}));

import { createDatabase, dropDatabase, findDatabase, listDatabases } from '../src/catalog/databases.ts';
import { findDatabases } from '../src/catalog/batch.ts';
import { needDatabase } from '../src/catalog/database-rows.ts';
import type { Database } from '../src/model/table.ts';
import { branded } from './branded.ts';
import { builder } from './builder.ts';
import { inWrite } from './in-write.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';
import { readParameters } from './parameters.ts';

export const DatabaseRef = builder.objectRef<Database>('Database');

builder.node(DatabaseRef, {
  description: 'A database of the catalog: a room for the names of tables.',
  id: { resolve: (database) => database.id },
  loadMany: async (ids, { tenon, as }) => {
    const found = new Map((await findDatabases(tenon.ground.db, as, { ids })).map((database) => [database.id, database]));
    return ids.map((id) => branded('Database', found.get(id)));
  },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'In lower case.' }),
    description: t.string({
      nullable: true,
      description: 'What somebody wrote about it.',
      resolve: (database) => database.description,
    }),
    owner: t.exposeString('owner', { description: 'Who made it: `api`, `crawler:<name>` or `job:<name>`.' }),
    parameters: t.field({
      type: 'JSON',
      description: 'An object of texts, for whoever wants to remember something.',
      resolve: (database) => database.parameters,
    }),
  }),
});

const DatabaseConnection = builder.connectionObject(
  { type: DatabaseRef, name: 'DatabaseConnection', description: 'A page of databases.' },
  { name: 'DatabaseEdge', description: 'A database in a list.' },
);

builder.queryFields((t) => ({
  database: t.field({
    type: DatabaseRef,
    nullable: true,
    description: 'The database of this name; null when there is none.',
    args: {
      name: t.arg.string({ required: true, description: 'In any case: names are kept in lower case.' }),
      asOf: t.arg({ type: 'Position', description: 'As the catalog was after this position; left out: as it is.' }),
    },
    resolve: (_, { name, asOf }, { tenon, as }) => findDatabase(tenon.ground.db, as, name, { asOf: asOf ?? undefined }),
  }),
  databases: t.field({
    type: DatabaseConnection,
    description: 'All databases, by name.',
    args: pageArgs(t),
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await listDatabases(tenon.ground.db, as, pageOf(args, tenon.config.limits)), args, same),
  }),
}));

builder.mutationFields((t) => ({
  createDatabase: t.field({
    type: DatabaseRef,
    description: 'Makes a database. ALREADY_EXISTS when there is one of this name.',
    args: {
      name: t.arg.string({ required: true, description: 'Its name; it is kept in lower case.' }),
      description: t.arg.string({ description: 'What it is for.' }),
      parameters: t.arg({ type: 'JSON', description: 'An object of texts.' }),
    },
    resolve: (_, { name, description, parameters }, context) =>
      inWrite(context, (w) =>
        createDatabase(w, { name, description: description ?? undefined, parameters: readParameters(parameters) }),
      ),
  }),
  dropDatabase: t.field({
    type: DatabaseRef,
    description: 'Drops a database and returns it as it was. BAD_INPUT when it still has tables.',
    args: {
      name: t.arg.string({ required: true, description: 'Its name.' }),
      cascade: t.arg.boolean({ defaultValue: false, description: 'Drops its tables too. Files are never touched.' }),
    },
    resolve: (_, { name, cascade }, context) =>
      inWrite(context, async (w) => {
        const database = await needDatabase(w.tx, name);
        await dropDatabase(w, name, { cascade: cascade ?? false });
        return database;
      }),
  }),
}));

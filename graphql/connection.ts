import type { Connection } from '../src/connections/connections.ts';
import { TenonError } from '../src/model/errors.ts';
import { builder } from './builder.ts';
import { inWrite } from './in-write.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';
import { readObject } from './parameters.ts';

const ConnectionRef = builder.objectRef<Connection>('Connection').implement({
  description: 'How to reach a source: what may be shown of it. Its secret is never shown.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    kind: t.exposeString('kind', { description: '`s3` or `postgres`.' }),
    options: t.field({
      type: 'JSON',
      description: 'An object whose fields belong to the kind: host, port, user; endpoint, region …',
      resolve: ({ options }) => options,
    }),
    hasSecret: t.exposeBoolean('hasSecret', { description: 'Whether a password or a secret key is kept for it.' }),
  }),
});

const ConnectionConnection = builder.connectionObject(
  { type: ConnectionRef, name: 'ConnectionConnection', description: 'A page of connections.' },
  { name: 'ConnectionEdge', description: 'A connection in a list.' },
);

builder.queryFields((t) => ({
  connection: t.field({
    type: ConnectionRef,
    nullable: true,
    description: 'The connection of this name; null when there is none.',
    args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: (_, { name }, { tenon, as }) => tenon.connections.find(as, name),
  }),
  connections: t.field({
    type: ConnectionConnection,
    description: 'All connections, by name.',
    args: pageArgs(t),
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await tenon.connections.list(as, pageOf(args, tenon.config.limits)), args, same),
  }),
}));

const ConnectionInput = builder.inputType('ConnectionInput', {
  description: 'A connection to define.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Letters, digits, - and _. The same name again changes that connection.' }),
    kind: t.string({ required: true, description: '`s3` or `postgres`.' }),
    options: t.field({
      type: 'JSON',
      description:
        'An object. Of postgres: host, port, database, user, sslmode; of s3: endpoint, region, accessKeyId, profile, pathStyle.',
    }),
    secret: t.string({
      description:
        'The password or the secret access key; it is kept encrypted. Left out: the one that is there stays. Null takes it away.',
    }),
  }),
});

builder.mutationFields((t) => ({
  defineConnection: t.field({
    type: ConnectionRef,
    description: 'Makes a connection or changes it. For admins.',
    args: { connection: t.arg({ type: ConnectionInput, required: true, description: 'What it is to be.' }) },
    resolve: (_, { connection }, context) => {
      const { name, kind, secret } = connection;
      const options = readObject(connection.options ?? {}, 'options');
      return inWrite(context, (w) =>
        context.tenon.connections.define(w, { name, kind, options, ...(secret !== undefined && { secret }) }),
      );
    },
  }),
  dropConnection: t.field({
    type: ConnectionRef,
    description: 'Drops a connection with its secret, and returns it as it was. For admins.',
    args: { name: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: async (_, { name }, context) => {
      const connection = await context.tenon.connections.find(context.as, name);
      if (connection === undefined) throw new TenonError('NOT_FOUND', `There is no connection «${name.slice(0, 128)}».`);
      await inWrite(context, (w) => context.tenon.connections.drop(w, name));
      return connection;
    },
  }),
}));

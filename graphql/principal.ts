import { createPrincipal, grantRole, listPrincipals } from '../src/access/principals.ts';
import { createToken, listTokens, revokeToken, type Token } from '../src/access/tokens.ts';
import { ROLES, type Principal } from '../src/model/principal.ts';
import { builder } from './builder.ts';
import { inWrite } from './in-write.ts';
import { connectionOf, pageArgs, pageOf, same } from './page.ts';

const [admin, editor, reader] = ROLES;

const RoleRef = builder.enumType('Role', {
  description: 'What a principal may do. A role contains the ones after it.',
  values: {
    ADMIN: { value: admin, description: 'Everything, also principals, tokens and connections.' },
    EDITOR: { value: editor, description: 'Change the catalog, define and run crawlers and jobs.' },
    READER: { value: reader, description: 'Read and search the catalog, and query tables.' },
  } as const,
});

const PrincipalRef = builder.objectRef<Principal>('Principal').implement({
  description: 'Who acts: a person or a program.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    role: t.field({ type: RoleRef, description: 'What it may do.', resolve: ({ role }) => role }),
  }),
});

const PrincipalConnection = builder.connectionObject(
  { type: PrincipalRef, name: 'PrincipalConnection', description: 'A page of principals.' },
  { name: 'PrincipalEdge', description: 'A principal in a list.' },
);

const TokenRef = builder.objectRef<Token>('Token').implement({
  description: 'What may be shown of a token. Its text is shown once, when it is made.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'For `revokeToken`.' }),
    principal: t.exposeString('principal', { description: 'The name of who acts with it.' }),
    name: t.exposeString('name', { description: 'What it is for.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'From then on it is refused; null for never.',
      resolve: (token) => token.expiresAt,
    }),
    revokedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since then it is refused.',
      resolve: (token) => token.revokedAt,
    }),
  }),
});

const TokenConnection = builder.connectionObject(
  { type: TokenRef, name: 'TokenConnection', description: 'A page of tokens.' },
  { name: 'TokenEdge', description: 'A token in a list.' },
);

const CreatedTokenRef = builder.objectRef<{ id: string; token: string }>('CreatedToken').implement({
  description: 'A token that was just made.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'For `revokeToken`.' }),
    token: t.exposeString('token', { description: 'The token itself. This is the only time that it is shown.' }),
  }),
});

builder.queryFields((t) => ({
  me: t.field({ type: PrincipalRef, description: 'Who asks.', resolve: (_, __, { as }) => as }),
  principals: t.field({
    type: PrincipalConnection,
    description: 'All principals, by name. For admins.',
    args: pageArgs(t),
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await listPrincipals(tenon.ground.db, as, pageOf(args, tenon.config.limits)), args, same),
  }),
  tokens: t.field({
    type: TokenConnection,
    description: 'All tokens, the oldest first. For admins.',
    args: pageArgs(t),
    resolve: async (_, args, { tenon, as }) =>
      connectionOf(await listTokens(tenon.ground.db, as, pageOf(args, tenon.config.limits)), args, same),
  }),
}));

builder.mutationFields((t) => ({
  createPrincipal: t.field({
    type: PrincipalRef,
    description: 'Makes a principal. It can do nothing until it has a token. For admins.',
    args: {
      name: t.arg.string({ required: true, description: 'Letters, digits and . _ @ + -.' }),
      role: t.arg({ type: RoleRef, required: true, description: 'What it may do.' }),
    },
    resolve: (_, draft, context) => inWrite(context, (w) => createPrincipal(w, draft)),
  }),
  grantRole: t.field({
    type: PrincipalRef,
    description: 'Gives a principal another role. For admins.',
    args: {
      principal: t.arg.string({ required: true, description: 'Its name.' }),
      role: t.arg({ type: RoleRef, required: true, description: 'What it may do from now on.' }),
    },
    resolve: (_, grant, context) => inWrite(context, (w) => grantRole(w, grant)),
  }),
  createToken: t.field({
    type: CreatedTokenRef,
    description: 'Makes a token for a principal. For admins.',
    args: {
      principal: t.arg.string({ required: true, description: 'The name of who acts with it.' }),
      name: t.arg.string({ required: true, description: 'What it is for, so that it can be told from others.' }),
      expiresAt: t.arg({ type: 'DateTime', description: 'From then on it is refused; left out: never.' }),
    },
    resolve: (_, { principal, name, expiresAt }, context) =>
      inWrite(context, (w) => createToken(w, { principal, name, expiresAt: expiresAt ?? undefined })),
  }),
  revokeToken: t.id({
    description: 'Refuses a token from now on, and returns its id. For admins.',
    args: { id: t.arg.id({ required: true, description: 'As `tokens` or `createToken` gave it.' }) },
    resolve: async (_, { id }, context) => {
      await inWrite(context, (w) => revokeToken(w, { id }));
      return id;
    },
  }),
}));

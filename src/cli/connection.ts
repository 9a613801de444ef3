import type { Command } from 'commander';
import { databaseKindOf, parseDatabaseUrl } from '../connections/database-url.ts';
import { TenonError } from '../model/errors.ts';
import { moreText, nextOf, nodesOf, pageOptions, type Connection, type Perform } from './command.ts';
import { readPassword } from './password.ts';
import { plain, textTable } from './text-table.ts';

interface ConnectionAnswer {
  readonly name: string;
  readonly kind: string;
  readonly options: Record<string, string | number | boolean>;
  readonly hasSecret: boolean;
}

const FIELDS = 'name kind options hasSecret';

interface AddOptions {
  readonly passwordStdin?: boolean;
  readonly region?: string;
  readonly accessKeyId?: string;
  readonly endpoint?: string;
}

export function addConnection(program: Command, perform: Perform): void {
  const connection = program.command('connection').summary('how to reach sources: add, list and remove connections');
  connection
    .command('add')
    .summary('add a connection, or change it')
    .argument('<name>')
    .argument(
      '<url>',
      'postgres://user@host/database, mysql://user@host/database, dynamodb://region, or the address of an S3 server: http://127.0.0.1:9000',
    )
    .option('--password-stdin', 'read the password, or the secret access key, from stdin; it is kept encrypted')
    .option('--region <region>', 'of S3')
    .option('--access-key-id <id>', 'of S3 or DynamoDB')
    .option('--endpoint <url>', 'of a DynamoDB that is not AWS’s own')
    .addHelpText('after', '\nExample:\n  tenon connection add warehouse postgres://reader@host/db --password-stdin < password')
    .action(async (name: string, url: string, options: AddOptions, self: Command) => {
      await perform(self, async (client) => {
        const { kind, options: of, secret: inUrl } = definitionOf(url, options);
        const secret = options.passwordStdin ? await readPassword() : inUrl;
        const { defineConnection } = await client.ask<{ defineConnection: ConnectionAnswer }>(
          `mutation ($connection: ConnectionInput!) { defineConnection(connection: $connection) { ${FIELDS} } }`,
          { connection: { name, kind, options: of, ...(secret !== undefined && { secret }) } },
        );
        return {
          json: { connection: defineConnection },
          text: `Added ${plain(name)}${secret === undefined ? '' : '; its secret is kept encrypted'}.`,
        };
      });
    });
  pageOptions(connection.command('list').summary('list the connections'), 100)
    .addHelpText('after', '\nExample:\n  tenon connection list')
    .action(async (_options, self: Command) => {
      const { limit, after } = self.opts<{ limit: number; after?: string }>();
      await perform(self, async (client) => {
        const { connections } = await client.ask<{ connections: Connection<ConnectionAnswer> }>(
          `query ($first: Int, $after: String) { connections(first: $first, after: $after) { edges { node { ${FIELDS} } } pageInfo { hasNextPage endCursor } } }`,
          { first: limit, after },
        );
        const found = nodesOf(connections);
        const next = nextOf(connections.pageInfo);
        const text = textTable(
          ['name', 'kind', 'options', 'secret'],
          found.map(({ name, kind, options, hasSecret }) => [name, kind, options, hasSecret ? 'kept' : '']),
        );
        return {
          json: { connections: found, ...(next !== null && { next }) },
          text: (found.length === 0 ? 'There are no connections yet.' : text) + moreText(next),
        };
      });
    });
  connection
    .command('remove')
    .summary('remove a connection and its secret')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  tenon connection remove warehouse')
    .action(async (name: string, _options, self: Command) => {
      await perform(self, async (client) => {
        await client.ask('mutation ($name: String!) { dropConnection(name: $name) { name } }', { name });
        return { json: { connection: { name } }, text: `Removed ${plain(name)}.` };
      });
    });
}

function definitionOf(
  text: string,
  { region, accessKeyId, endpoint }: AddOptions,
): { kind: string; options: Record<string, unknown>; secret?: string } {
  if (!URL.canParse(text)) throw new TenonError('BAD_INPUT', 'The second argument is no URL.');
  const url = new URL(text);
  const kind = databaseKindOf(url);
  if (kind !== undefined) {
    const { options, secret } = parseDatabaseUrl(url);
    return { kind, options: { ...options }, ...(secret !== undefined && { secret }) };
  }
  if (/^https?:$/.test(url.protocol)) {
    return {
      kind: 's3',
      options: {
        endpoint: url.origin,
        ...(region !== undefined && { region }),
        ...(accessKeyId !== undefined && { accessKeyId }),
      },
    };
  }
  if (url.protocol === 'dynamodb:') {
    const options = { region: region ?? (url.hostname || undefined), endpoint, accessKeyId };
    return { kind: 'dynamodb', options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) };
  }
  throw new TenonError(
    'UNSUPPORTED',
    'Connections lead to postgres://… or mysql://…, to dynamodb://region, or to an S3 server at http://… or https://…',
  );
}

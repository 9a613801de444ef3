import type { Command } from 'commander';
import { TenonError } from '../model/errors.ts';
import type { Client } from './client.ts';
import type { Perform } from './command.ts';
import { plain } from './text-table.ts';

export function addToken(program: Command, perform: Perform): void {
  const token = program.command('token').summary('let people and programs in');
  token
    .command('create')
    .summary('make a token; it is shown this once')
    .argument('<principal>', 'who acts with it; made when new')
    .option('--role <role>', 'of a new principal: admin, editor or reader', 'reader')
    .option('--name <name>', 'what the token is for', 'command line')
    .option('--expires <time>', 'from then on it is refused: 2027-01-01T00:00:00Z')
    .addHelpText('after', '\nExample:\n  tenon token create metabase --role reader')
    .action(async (principal: string, options: { role: string; name: string; expires?: string }, self: Command) => {
      await perform(self, async (client) => {
        await ensurePrincipal(client, principal, options.role.toUpperCase());
        const { createToken } = await client.ask<{ createToken: { id: string; token: string } }>(
          'mutation ($principal: String!, $name: String!, $expiresAt: DateTime) { createToken(principal: $principal, name: $name, expiresAt: $expiresAt) { id token } }',
          { principal, name: options.name, expiresAt: options.expires },
        );
        return { json: { token: { ...createToken, principal } }, text: createToken.token };
      });
    });
  token
    .command('revoke')
    .summary('refuse a token from now on')
    .argument('<id>', 'as «create» gave it with --json')
    .addHelpText('after', '\nExample:\n  tenon token revoke 0199…')
    .action(async (id: string, _options, self: Command) => {
      await perform(self, async (client) => {
        await client.ask('mutation ($id: ID!) { revokeToken(id: $id) }', { id });
        return { json: { token: { id } }, text: `Revoked ${plain(id)}.` };
      });
    });
}

/** One who is there keeps the role that it has: a token is no way to another. */
async function ensurePrincipal(client: Client, name: string, role: string): Promise<void> {
  try {
    await client.ask('mutation ($name: String!, $role: Role!) { createPrincipal(name: $name, role: $role) { name } }', {
      name,
      role,
    });
  } catch (error) {
    if (!(error instanceof TenonError) || error.code !== 'ALREADY_EXISTS') throw error;
  }
}

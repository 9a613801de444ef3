import type { Command } from 'commander';
import type { Perform } from './command.ts';

export function addCleanUp(program: Command, perform: Perform): void {
  program
    .command('clean-up')
    .summary('remove what crashed runs have left')
    .option('--older-than-minutes <n>', 'younger files stay', '60')
    .addHelpText('after', '\nExample:\n  tenon clean-up')
    .action(async (options: { olderThanMinutes: string }, self: Command) => {
      await perform(self, async (client) => {
        const { cleanUp } = await client.ask<{ cleanUp: { removed: number; unknown: number; manifests: number } }>(
          'mutation ($minutes: Int) { cleanUp(olderThanMinutes: $minutes) { removed unknown manifests } }',
          { minutes: Number(options.olderThanMinutes) },
        );
        const { removed, unknown, manifests } = cleanUp;
        const text = `${removed} files removed, and ${manifests} lists of files${unknown === 0 ? '' : `; ${unknown} places could not be reached`}.`;
        return { json: { removed, unknown, manifests }, text, ...(unknown > 0 && { exit: 3 as const }) };
      });
    });
}

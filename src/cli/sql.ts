import type { Command } from 'commander';
import { limitOption, type Perform } from './command.ts';
import { textTable } from './text-table.ts';

interface SqlAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly truncated: boolean;
}

export function addSql(program: Command, perform: Perform): void {
  const command = program
    .command('sql')
    .summary('answer a SELECT over tables of the catalog')
    .argument('<select>', 'in DuckDB’s dialect; tables by their names in the catalog')
    .addHelpText('after', '\nExample:\n  tenon sql "select dt, count(*) from lake.sales group by dt"');
  limitOption(command, 'at most so many rows (default 1000)', 1000).action(async (query: string, _options, self: Command) => {
    const { limit } = self.opts<{ limit: number }>();
    await perform(self, async (client) => {
      const { sql } = await client.ask<{ sql: SqlAnswer }>(
        'query ($query: String!, $limit: Int) { sql(query: $query, limit: $limit) { columns { name type } rows truncated } }',
        { query, limit },
      );
      const { columns, rows, truncated } = sql;
      const text = textTable(
        columns.map(({ name }) => name),
        rows,
      );
      const count = `${rows.length} row${rows.length === 1 ? '' : 's'}${truncated ? ', and more: raise --limit' : ''}`;
      return { json: { columns, rows, ...(truncated && { truncated }) }, text: `${text}\n${count}` };
    });
  });
}

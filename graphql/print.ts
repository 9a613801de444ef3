import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './schema.ts';

/** Writes `graphql/schema.graphql`; with `--check` only says whether it is what would be written. Both from src and dist. */
const file = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../graphql/schema.graphql' : 'schema.graphql', import.meta.url),
);
const text = `${printSchema(lexicographicSortSchema(schema))}\n`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write(
    'graphql/schema.graphql is not what the schema prints. Run: npm run build && node dist/graphql/print.js\n',
  );
  process.exitCode = 1;
}

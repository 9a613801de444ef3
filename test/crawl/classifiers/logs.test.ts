import { join } from 'node:path';
import { logClassifier } from '../../../src/crawl/classifiers/logs.ts';
import { LOG_PATTERNS, logColumns } from '../../../src/crawl/log-patterns.ts';
import { describeClassifier } from '../../contract/classifier.ts';
import { duckdb, duckType } from '../duckdb.ts';
import { formatType } from '../../../src/model/types.ts';

/** DuckDB has another engine of patterns: it has to find the same rows, and each value has to be of its type. */
describeClassifier({
  classifier: logClassifier,
  fixtures: join(import.meta.dirname, '../../fixtures/logs'),
  async readBack(file, found) {
    const kind = LOG_PATTERNS.find(
      ({ format, options }) => format === found.format.name && options?.['rfc'] === found.format.options?.['rfc'],
    );
    if (kind === undefined) throw new Error('no such pattern');
    const columns = logColumns(kind);
    const { source } = kind.pattern;
    // DuckDB gives no more than nine groups: each column has a pattern in which it is the only one.
    const only = (name: string): string =>
      quoted(source.replaceAll(/\(\?<([a-z_]+)>/g, (_, group: string) => (group === name ? '(' : '(?:')));
    const values = columns.map(
      ({ name, type }) => `cast(nullif(regexp_extract(line, ${only(name)}, 1), '') as ${duckType(type)}) as "${name}"`,
    );
    const lines = `(select regexp_replace(unnest(string_split(content, chr(10))), '\\r$', '') as line from read_text(${quoted(file)}))`;
    const connection = await duckdb();
    const result = await connection.runAndReadAll(
      `select ${values.join(', ')} from ${lines} where regexp_matches(line, ${only('')})`,
    );
    return {
      columns: columns.map(({ name, type }) => ({ name, type: formatType(type) })),
      rows: result.currentRowCount,
    };
  },
});

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

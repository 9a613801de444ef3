import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { CLASSIFY_LIMITS } from '../src/crawl/classifier.ts';
import { classify } from '../src/crawl/classify.ts';
import { corpus, type CorpusFile } from '../test/corpus/corpus.ts';
import { guessOf, judge, type Guess, type Verdict } from '../test/corpus/judge.ts';
import { guessJson, sniffCsv } from './duckdb-guess.ts';
import { report } from './measure.ts';

/**
 * How often our inferrer and DuckDB's (`sniff_csv`, `read_json_auto`) say what the labels of the corpus say. DuckDB is told
 * whether it is csv or json; ours finds out. `node dist/bench/accuracy.js [--failures]` also lists what ours got wrong among the
 * files that are not held out.
 */
const files = corpus(fileURLToPath(new URL('../../test/corpus/files', import.meta.url)));
const connection = await (await DuckDBInstance.create(':memory:')).connect();
const failures = process.argv.includes('--failures');

interface Judged {
  readonly file: CorpusFile;
  readonly ours: Verdict;
  readonly duckdb: Verdict;
}

const judged: Judged[] = [];
for (const file of files) {
  const ours = await said(() => tenon(file));
  const duckdb = await said(() =>
    file.label.format === 'json' || file.name.endsWith('json')
      ? guessJson(connection, file.path)
      : sniffCsv(connection, file.path),
  );
  judged.push({ file, ours: judge(file.label, ours), duckdb: judge(file.label, duckdb) });
}
if (failures) for (const one of judged) if (!one.file.heldOut && !one.ours.whole) await show(one.file);

const splits = {
  tuned: judged.filter(({ file }) => !file.heldOut),
  heldOut: judged.filter(({ file }) => file.heldOut),
  // Written for the corpus are those whose names begin so; the others are real.
  heldOutReal: judged.filter(({ file }) => file.heldOut && !/^[njx]-/.test(file.name)),
  real: judged.filter(({ file }) => !/^[njx]-/.test(file.name)),
  all: judged,
};
console.log('split       format  files  side    dialect  header  names  types of columns  whole files');
const figures = { ours: {} as Record<string, unknown>, duckdb: {} as Record<string, unknown> };
for (const [split, list] of Object.entries(splits)) {
  for (const format of ['csv', 'json', 'all']) {
    const part = list.filter(({ file }) => format === 'all' || kindOf(file) === format);
    for (const side of ['ours', 'duckdb'] as const) {
      const sum = sums(part.map((one) => one[side]));
      figures[side][`${split} ${format}`] = sum;
      console.log(
        [
          split.padEnd(11),
          format.padEnd(6),
          String(part.length).padStart(6),
          side.padEnd(6),
          ...Object.values(sum).map((percent) => `${percent.toFixed(1)} %`.padStart(8)),
        ].join('  '),
      );
    }
  }
}
report('B3 accuracy', { size: files.length, tenon: figures['ours'], peer: { duckdb: figures['duckdb'] } });

function kindOf({ name, label }: CorpusFile): string {
  return label.format === 'json' || name.endsWith('json') ? 'json' : 'csv';
}

async function tenon(file: CorpusFile): Promise<Guess | undefined> {
  const bytes = await readFile(file.path);
  const source = {
    path: file.name,
    size: bytes.length,
    read: (start: number, end: number) => Promise.resolve(bytes.subarray(start, end)),
  };
  const found = await classify(source, CLASSIFY_LIMITS);
  return found === undefined || found.format.name !== kindOf(file) ? undefined : guessOf(found);
}

/** Whoever fails says nothing. */
async function said(guess: () => Promise<Guess | undefined>): Promise<Guess | undefined> {
  try {
    return await guess();
  } catch {
    return undefined;
  }
}

function sums(verdicts: readonly Verdict[]): Record<string, number> {
  const share = (right: number, of: number): number => (100 * right) / Math.max(1, of);
  const count = (key: 'dialect' | 'header' | 'names' | 'whole'): number =>
    share(verdicts.filter((verdict) => verdict[key]).length, verdicts.length);
  const total = (key: 'types' | 'columns'): number => verdicts.reduce((sum, verdict) => sum + verdict[key], 0);
  return {
    dialect: count('dialect'),
    header: count('header'),
    names: count('names'),
    types: share(total('types'), total('columns')),
    whole: count('whole'),
  };
}

async function show(file: CorpusFile): Promise<void> {
  try {
    const guess = await tenon(file);
    const verdict = judge(file.label, guess);
    const wanted = file.label.columns.map(({ name, type }, i) => {
      const got = guess?.columns[i];
      return JSON.stringify({ name, type, ...(JSON.stringify(got) !== JSON.stringify({ name, type }) && { got }) }).slice(0, 300);
    });
    const { dialect, header, names, types, columns } = verdict;
    console.log(`✘ ${file.name} ${JSON.stringify({ dialect, header, names, types, columns })}`);
    console.log(
      `    ${JSON.stringify({ ...file.label, columns: undefined })} ${JSON.stringify({ ...guess, columns: undefined })}`,
    );
    if (types < columns || !names) console.log(`    ${wanted.slice(0, 12).join(' ')}`);
  } catch (error) {
    console.log(`✘ ${file.name} ${String(error)}`);
  }
}

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fillJob, parametersOf, parseJob, type Mistake } from '../../src/etl/job.ts';
import { fillSql } from '../../src/etl/parameters.ts';
import type { TenonError } from '../../src/model/errors.ts';
import { jobFile } from './lab.ts';

function mistakes(make: () => unknown): Mistake[] {
  try {
    make();
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_JOB' });
    return (error as TenonError).details['mistakes'] as Mistake[];
  }
  return [];
}

describe('a job file', () => {
  it('is read with what it leaves out filled in', () => {
    expect(parseJob(jobFile())).toMatchObject({
      bookmark: true,
      limits: {},
      output: { mode: 'append', format: 'parquet', partitionBy: ['dt'] },
    });
    expect(parseJob({ ...jobFile(), bookmark: undefined }).bookmark).toBe(false);
  });

  it('is told all of its mistakes at once, each with its place', () => {
    const found = mistakes(() =>
      parseJob({
        nam: 'x',
        inputs: { 'bad alias': { table: 'lake.orders' }, ok: { tabel: 'lake.orders' } },
        steps: [{ name: 'r', sql: '' }],
        output: { table: 'lake.x', location: '/x', mode: 'replace', format: 'csv' },
        limits: { memory: 'lots', threads: 0 },
      }),
    );
    const paths = found.map(({ path }) => path);
    for (const path of [
      'name',
      'nam',
      'inputs.bad alias',
      'inputs.ok.table',
      'inputs.ok.tabel',
      'steps.0.sql',
      'output.mode',
      'output.format',
      'limits.memory',
      'limits.threads',
    ]) {
      expect(paths).toContain(path);
    }
    expect(mistakes(() => parseJob('nothing'))).toHaveLength(1);
    expect(mistakes(() => parseJob(null))).toHaveLength(1);
  });

  it('has no two things of one name, whatever its case', () => {
    const found = mistakes(() =>
      parseJob({
        ...jobFile(),
        steps: [
          { name: 'ORDERS', sql: 'select 1' },
          { name: 'a', sql: 'select 1' },
          { name: 'A', sql: 'select 1' },
        ],
      }),
    );
    expect(found.map(({ path }) => path)).toEqual(['steps.0.name', 'steps.2.name']);
  });

  it('knows its parameters, and names those that are missing', () => {
    const job = parseJob({ ...jobFile(), description: 'not ${THIS}', steps: [{ name: 'r', sql: 'select ${A}, ${B}' }] });
    expect(parametersOf(job)).toEqual(['A', 'B', 'OUT']);
    expect(() => fillJob(job, { A: '1' })).toThrow(/\$\{B\}, \$\{OUT\}/);
  });

  it('takes a path, a file address or an S3 address as the location', () => {
    const at = (location: string) =>
      fillJob(parseJob({ ...jobFile(), output: { ...(jobFile()['output'] as object), location } }), {}).output.location;
    expect(at('/a b/c/')).toBe('file:///a%20b/c');
    expect(at('file:///a%20b')).toBe('file:///a%20b');
    expect(at('s3://bucket/a b/')).toBe('s3://bucket/a b');
    expect(at('out')).toBe(`file://${process.cwd()}/out`);
    expect(mistakes(() => at('ftp://x/y')).map(({ path }) => path)).toEqual(['output.location']);
  });

  it('does not read what it writes', () => {
    const same = { ...jobFile(), output: { table: 'LAKE.orders', location: '/x' } };
    expect(mistakes(() => fillJob(parseJob(same), {})).map(({ path }) => path)).toEqual(['inputs.orders.table']);
  });

  it('is what the example shows', () => {
    const job = parseJob(JSON.parse(readFileSync('docs/examples/orders-to-parquet.json', 'utf8')));
    expect(parametersOf(job)).toEqual(['OUT']);
    expect(fillJob(job, { OUT: '/tmp/out' })).toMatchObject({
      bookmark: true,
      inputs: { orders: { table: 'lake.orders' } },
      output: { table: 'lake.orders_parquet', location: 'file:///tmp/out/orders_parquet', partitionBy: ['dt'], mode: 'append' },
    });
  });
});

describe('parameters in SQL', () => {
  const evil = "x' or 1 = 1 --";

  it('are literals wherever a value may stand', () => {
    expect(fillSql('select ${A}', { A: evil })).toBe("select 'x'' or 1 = 1 --'");
    expect(fillSql("select 'at ${A}'", { A: evil })).toBe("select 'at x'' or 1 = 1 --'");
    expect(fillSql("select '${A}'''", { A: evil })).toBe("select 'x'' or 1 = 1 --'''");
    expect(fillSql("like'${A}'", { A: "'" })).toBe("like''''");
  });

  it('are left alone in comments', () => {
    expect(fillSql('select 1 -- ${A}\n/* ${A} */', { A: 'x' })).toBe('select 1 -- ${A}\n/* ${A} */');
  });

  it('are refused in names, escape strings and dollar quotes', () => {
    for (const sql of [
      'select "${A}"',
      "select e'${A}'",
      'select $$${A}$$',
      'select $tag$ ${A} $tag$',
      'select "unclosed ${A}',
    ]) {
      expect(() => fillSql(sql, { A: 'x' })).toThrow(/cannot stand inside/);
    }
  });

  it('are not looked for in values', () => {
    expect(fillSql('select ${A}, ${B}', { A: '${B}', B: 'b' })).toBe("select '${B}', 'b'");
  });
});

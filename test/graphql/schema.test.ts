import { readFileSync } from 'node:fs';
import {
  getIntrospectionQuery,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
  type GraphQLNamedType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { LIMIT_RULES, QUERY_LIMITS } from '../../graphql/limits.ts';
import { schema } from '../../graphql/schema.ts';

describe('the schema', () => {
  it('describes every type, field, argument and value', () => {
    const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));
    expect(types.length).toBeGreaterThan(50);
    expect(types.flatMap(withoutDescription)).toEqual([]);
  });

  it('is what schema.graphql says; `node dist/graphql/print.js` writes it', () => {
    expect(readFileSync('graphql/schema.graphql', 'utf8')).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`);
  });

  it('has the roots that clients were promised', () => {
    const names = (type: ReturnType<typeof schema.getQueryType>): string[] => Object.keys(type?.getFields() ?? {});
    const queries = `me node nodes database databases table tables search changes lineage crawler crawlers job jobs run runs
      connection connections sql status`;
    const mutations = `createDatabase dropDatabase recordTable dropTable addPartitions defineCrawler startCrawl stopRun defineJob
      startRun acceptJob defineConnection dropConnection createToken createPrincipal grantRole cleanUp`;
    expect(names(schema.getQueryType())).toEqual(expect.arrayContaining(queries.split(/\s+/)));
    expect(names(schema.getMutationType())).toEqual(expect.arrayContaining(mutations.split(/\s+/)));
    expect(names(schema.getSubscriptionType())).toEqual(['changes']);
  });

  it('lets every filter work the same way: optional fields that must all hold', () => {
    const filters = Object.values(schema.getTypeMap()).filter((type) => type.name.endsWith('Filter'));
    expect(filters.length).toBeGreaterThanOrEqual(4);
    for (const filter of filters) {
      expect(filter.description).toContain('all that is given must hold; of a list one value must.');
      if (!isInputObjectType(filter)) throw new Error(`${filter.name} is no input`);
      for (const field of Object.values(filter.getFields()))
        expect(String(field.type), `${filter.name}.${field.name}`).not.toMatch(/!$/);
    }
  });

  it('takes a page from every list', () => {
    for (const type of Object.values(schema.getTypeMap())) {
      if (!isObjectType(type)) continue;
      for (const field of Object.values(type.getFields())) {
        const page = getNamedType(field.type);
        if (!isObjectType(page) || page.getFields()['pageInfo'] === undefined) continue;
        expect(
          field.args.map(({ name }) => name),
          `${type.name}.${field.name}`,
        ).toEqual(expect.arrayContaining(['first', 'after']));
      }
    }
  });
});

describe('the limits of a query', () => {
  const problems = (query: string): string[] => validate(schema, parse(query), LIMIT_RULES).map(({ message }) => message);

  it('let the queries of tools pass', () => {
    expect(problems(getIntrospectionQuery())).toEqual([]);
    expect(
      problems(`query ($after: String) { tables(filter: { database: "lake" }, first: 50, after: $after) {
        edges { node { database { name } name type format { name } version { number } columns { name type comment } partitionKeys { name type } } }
        pageInfo { hasNextPage endCursor } } }`),
    ).toEqual([]);
  });

  it('refuse a query that is too deep', () => {
    const deep = `${'tables(first: 1) { edges { node {'.repeat(8)} name ${'} } }'.repeat(8)}`;
    expect(problems(`{ ${deep} }`)).toEqual([`The query is more than ${QUERY_LIMITS.depth} levels deep.`]);
  });

  it('refuse many fields, also when fragments hide how many', () => {
    const fields = `{ me { ${'name '.repeat(QUERY_LIMITS.fields)} } }`;
    expect(problems(fields)).toEqual([`The query has more than ${QUERY_LIMITS.fields} fields.`]);
    const bomb = Array.from({ length: 30 }, (_, i) => `fragment f${i} on Principal { ...f${i + 1} ...f${i + 1} }`).join('\n');
    const started = performance.now();
    expect(problems(`{ me { ...f0 } } ${bomb} fragment f30 on Principal { name }`)).toEqual([
      `The query has more than ${QUERY_LIMITS.fields} fields.`,
    ]);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('end on fragments that go in circles', () => {
    expect(problems('{ me { ...a } } fragment a on Principal { ...b } fragment b on Principal { ...a name }')).toEqual([]);
  });

  it('refuse many aliases', () => {
    const aliases = Array.from({ length: QUERY_LIMITS.aliases + 1 }, (_, i) => `a${i}: me { name }`).join(' ');
    expect(problems(`{ ${aliases} }`)).toEqual([`The query has more than ${QUERY_LIMITS.aliases} aliases.`]);
  });

  it('refuse lists in lists that could return too much', () => {
    const query = (inner: string): string =>
      `query ($n: Int) { tables(first: 1000) { edges { node { partitions(${inner}) { edges { node { name } } } } } } }`;
    expect(problems(query('first: 50'))).toEqual([]);
    expect(problems(query('first: 500'))).toHaveLength(1);
    expect(problems(query('first: $n'))).toHaveLength(1);
  });
});

function withoutDescription(type: GraphQLNamedType): string[] {
  const missing: string[] = [];
  const check = (name: string, { description }: { description?: string | null | undefined }): void => {
    if (!description?.trim()) missing.push(name);
  };
  check(type.name, type);
  if (isEnumType(type)) for (const value of type.getValues()) check(`${type.name}.${value.name}`, value);
  if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) {
      check(`${type.name}.${field.name}`, field);
      if ('args' in field) for (const arg of field.args) check(`${type.name}.${field.name}(${arg.name})`, arg);
    }
  }
  return missing;
}

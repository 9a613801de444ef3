import { describe, expect, it } from 'vitest';
import { describeSample } from '../../crawlers/dynamodb-describe.ts';
import { Entities } from '../../crawlers/dynamodb-entities.ts';
import { remember } from '../../crawlers/dynamodb-memory.ts';
import type { DynamodbItem } from '../../src/connections/dynamodb.ts';
import { seeded } from './single-table.ts';

const random = seeded(7);
const S = (value: string) => ({ S: value });
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
const letters = (length: number, of = 'abcdefghijklmnopqrstuvwxyz') =>
  times(length, () => of[Math.floor(random() * of.length)]).join('');
const word = () => letters(4 + Math.floor(random() * 6));
const id = () => random().toString(36).slice(2, 10);
const hex = (length: number) => letters(length, '0123456789abcdef');
const base62 = (length: number) => letters(length, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-');
const pick = <T>(...from: T[]): T => from[Math.floor(random() * from.length)] as T;

function sampled(items: readonly DynamodbItem[], keys: readonly string[] = ['PK', 'SK']) {
  const entities = new Entities(keys);
  for (const item of items) entities.add(item);
  return describeSample(entities, true);
}

/** Each entity type as `NAME PK … | SK …`, in the order of their names. */
function typesOf(items: readonly DynamodbItem[], keys?: readonly string[]): string[] {
  return sampled(items, keys)
    .entityTypes.map(({ name, keyTemplate }) => `${name}: ${Object.values(keyTemplate).join(' | ')}`)
    .sort();
}

const item = (PK: string, SK: string, ...attributes: string[]): DynamodbItem => ({
  PK: S(PK),
  SK: S(SK),
  ...Object.fromEntries(attributes.map((name) => [name, S('x')])),
});

describe('the entity types of a table', () => {
  const designs: [string, () => DynamodbItem[], string[], (readonly string[])?][] = [
    [
      'names as ids',
      () =>
        times(2_000, (n) =>
          n % 2 === 0 ? item(`USER#${word()}`, 'PROFILE', 'email') : item(`USER#${word()}`, 'POST#2024-01-01T10:00:00Z', 'text'),
        ),
      ['USER_POST: USER#{id} | POST#{time}', 'USER_PROFILE: USER#{id} | PROFILE'],
    ],
    [
      'only three names',
      () =>
        ['alice', 'bob', 'carol'].flatMap((name) => [
          item(`USER#${name}`, 'PROFILE', 'email'),
          item(`USER#${name}`, 'ORDER#1', 'total'),
        ]),
      ['USER_ORDER: USER#{id} | ORDER#{id}', 'USER_PROFILE: USER#{id} | PROFILE'],
    ],
    ['a name that is the whole key', () => times(5, () => ({ name: S(word()), age: { N: '1' } })), ['item: {id}'], ['name']],
    [
      'numbers',
      () => times(50, (n) => ({ id: { N: String(n) }, at: { N: `17${n}` }, v: { N: '1' } })),
      ['item: {number} | {number}'],
      ['id', 'at'],
    ],
    [
      'a library’s own marks',
      () =>
        times(600, (n) =>
          n % 2 === 0
            ? item(`$shop#userid_${id()}`, '$user_1', 'a')
            : item(`$shop#userid_${id()}`, `$order_1#orderid_${id()}`, 'b'),
        ),
      [
        'shop_userid_order_orderid: $shop#userid_{id} | $order_{id}#orderid_{id}',
        'shop_userid_user: $shop#userid_{id} | $user_{id}',
      ],
    ],
    [
      'colons and addresses',
      () =>
        times(600, (n) =>
          n % 2 === 0 ? item(`org:${id()}`, `user:${word()}@example.com`, 'a') : item(`org:${id()}`, 'meta', 'b'),
        ),
      ['org_meta: org:{id} | meta', 'org_user: org:{id} | user:{email}'],
    ],
    [
      'a prefix with a dash',
      () => times(300, (n) => item(`user-${n}`, pick('profile', 'settings'), 'data')),
      ['user_profile: user-{id} | profile', 'user_settings: user-{id} | settings'],
    ],
    ['ids of any letters', () => times(3_000, () => item(`U#${base62(12)}`, `P#${base62(8)}`, 'data')), ['U_P: U#{id} | P#{id}']],
    [
      'states behind a label',
      () => times(900, () => item(`STATUS#${pick('OPEN', 'PAID', 'SHIPPED', 'LOST')}`, `2024-01-0${pick(1, 2, 3)}#${id()}`, 'o')),
      ['STATUS: STATUS#{id} | {date}#{id}'],
    ],
    [
      'countries as keys',
      () => times(900, () => item(pick('US', 'DE', 'FR', 'IT'), `CITY#${word()}`, 'pop')),
      ['CITY: {id} | CITY#{id}'],
    ],
    [
      'one item each',
      () => [item('USER#1', 'USER#1', 'a'), item('ORG#1', 'ORG#1', 'b'), item('ORG#1', 'USER#1', 'c')],
      ['ORG: ORG#{id} | ORG#{id}', 'ORG_USER: ORG#{id} | USER#{id}', 'USER: USER#{id} | USER#{id}'],
    ],
    [
      'days in folders',
      () => times(600, () => item(`LOG#${word()}`, `2024/0${pick(1, 2, 3)}/1${pick(0, 1, 2)}/${id()}`, 'a')),
      ['LOG: LOG#{id} | {date}/{id}'],
    ],
    [
      'versions',
      () => times(600, () => item(`DOC#${id()}`, pick('v0', 'v1', 'v22', 'latest'), 'a')),
      ['DOC: DOC#{id} | {version}', 'DOC_latest: DOC#{id} | latest'],
    ],
    ['binary keys', () => [{ key: { B: Buffer.from('x') }, a: S('x') }], ['item: {binary}'], ['key']],
    ['an empty sort key and odd ends', () => [item('A#', '#', 'x'), item('A#', '#b', 'x')], ['A: A# | #', 'A_b: A# | #b']],
  ];
  for (const [name, make, expected, keys] of designs) {
    it(`are found with ${name}`, () => expect(typesOf(make(), keys)).toEqual(expected));
  }

  it('are told apart by what they are made of where the keys say nothing', () => {
    const items = times(1_001, (n): DynamodbItem => {
      const own =
        n % 2 === 0
          ? { email: S('x'), name: S('x'), ...(n % 4 === 0 && { phone: S('x') }), ...(n % 6 === 0 && { fax: S('x') }) }
          : { total: { N: '1' }, lines: { L: [] } };
      return { id: S(hex(32)), kind: S('x'), ...own };
    });
    const { entityTypes } = sampled(items, ['id']);
    expect(
      entityTypes.map(({ name, items: count, attributes }) => [name, count, attributes.map((one) => one.name).join(' ')]),
    ).toEqual([
      ['item', 501, 'email fax id kind name phone'],
      ['item_2', 500, 'id kind lines total'],
    ]);
  });

  it('are one type where an attribute is only sometimes there', () => {
    const items = times(400, (n) => item(`U#${n}`, 'P', 'a', ...(n % 3 === 0 ? ['b'] : []), ...(n % 5 === 0 ? ['c'] : [])));
    expect(sampled(items).entityTypes).toHaveLength(1);
  });

  it('show no name of anybody', () => {
    const said = JSON.stringify(sampled([item('USER#alice', 'PROFILE', 'email'), item('USER#alice', 'CARD#visa', 'number')]));
    expect(said).not.toMatch(/alice|visa/);
  });

  it('are bounded, in number and in time, whatever keys somebody makes', () => {
    const begin = performance.now();
    const items = times(20_000, () =>
      item(
        times(1 + Math.floor(random() * 14), () => pick(word(), id(), '', '2024-01-01')).join(pick('#', '|', '/', ':')),
        base62(20),
        'a',
      ),
    );
    const { entityTypes } = sampled(items);
    expect(entityTypes.length).toBeLessThan(1_000);
    expect(entityTypes.reduce((sum, one) => sum + one.items, 0)).toBe(20_000);
    expect(performance.now() - begin).toBeLessThan(20_000);
  }, 30_000);
});

describe('a sample of items that somebody made to be too much', () => {
  it('is refused where attributes have names without end, before memory has', () => {
    const before = process.memoryUsage().heapUsed;
    const flood = () =>
      sampled(
        times(2_000, (n) => ({ ...item(`A#${n}`, 'B'), ...Object.fromEntries(times(200, (m) => [`a${n}-${m}`, S('x')])) })),
      );
    expect(flood).toThrow(expect.objectContaining({ code: 'LIMIT' }));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(512 * 1024 * 1024);
  });

  it('takes maps with keys without end for dictionaries, at any depth', () => {
    const nest = (depth: number): DynamodbItem =>
      Object.fromEntries(times(12, () => [id(), depth === 0 ? S('x') : { M: nest(depth - 1) }]));
    const { entityTypes } = sampled(times(60, (n) => ({ ...item(`A#${n}`, 'B'), tree: { M: nest(3) } })));
    expect(JSON.stringify(entityTypes)).toContain('map<string,map<string,map<string,map<string,string>>>>');
  });

  it('keeps what no catalog could keep out of templates', () => {
    expect(typesOf([item('A#\0', '{x}', 'a'), item('A#\u202e', '{y}', 'a')])).toEqual(['A: A#{id} | {id}']);
  });
});

describe('what is remembered of a table', () => {
  const users = times(50, (n) => item(`USER#${n}`, 'PROFILE', 'email'));
  const partOf = (items: DynamodbItem[]) => ({ ...sampled(items), whole: false });

  it('grows by what a sample finds, and never loses what it misses', () => {
    const before = partOf([...users, item('ORG#1', 'META', 'plan')]);
    const after = remember(before, partOf([...users, item('USER#1', 'CARD#1', 'last4')]));
    expect(after.entityTypes.map(({ name, items, confidence }) => [name, items, confidence])).toEqual([
      ['USER_PROFILE', 100, 'high'],
      ['ORG_META', 1, 'low'],
      ['USER_CARD', 1, 'low'],
    ]);
  });

  it('stays as it is, to the object, while nothing new is found', () => {
    const before = partOf(users);
    expect(remember(before, partOf(users.slice(0, 40)))).toBe(before);
    expect(remember(sampled(users), sampled([...users, ...users]))).toMatchObject({ items: 50 });
  });

  it('is replaced where the whole table was read, and where shares have moved far', () => {
    const cards = times(50, (n) => item(`USER#${n}`, 'CARD#1', 'last4'));
    expect(remember(sampled([...users, ...cards]), sampled(users)).entityTypes.map(({ name }) => name)).toEqual(['USER_PROFILE']);
    expect(remember(sampled([...users, ...cards]), sampled([...users, ...cards, ...cards, ...cards])).items).toBe(200);
  });

  it('widens a type when a sample has another one, and says how often each was there', () => {
    const before = partOf(times(40, (n) => ({ ...item(`A#${n}`, 'B'), v: { N: '1' }, w: S('x') })));
    const after = remember(before, partOf(times(40, (n) => ({ ...item(`A#${n}`, 'B'), v: { N: '1.5' }, w: { N: '1' } }))));
    const types = Object.fromEntries((after.entityTypes[0]?.attributes ?? []).map(({ name, types: seen }) => [name, seen]));
    expect(types).toMatchObject({ v: { 'decimal(21,2)': 80 }, w: { bigint: 40, string: 40 } });
  });
});

import type { AttributeValue } from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;

/** A generator of numbers that are the same in each run: `mulberry32`, 0 to 1. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const S = (value: string): AttributeValue => ({ S: value });
const N = (value: number): AttributeValue => ({ N: String(value) });

/** What an item of a shop's one table may be. The templates are what a crawl is to find. */
export const SHOP = {
  USER_PROFILE: { PK: 'USER#{id}', SK: 'PROFILE' },
  USER_ORDER: { PK: 'USER#{id}', SK: 'ORDER#{date}#{id}' },
  ORDER_ITEM: { PK: 'ORDER#{id}', SK: 'ITEM#{id}' },
  PRODUCT_META: { PK: 'PRODUCT#{id}', SK: 'META' },
  USER_SESSION: { PK: 'USER#{id}', SK: 'SESSION#{time}' },
  TENANT_AUDIT: { PK: 'TENANT#{id}', SK: 'AUDIT#{id}' },
} as const;

/** Items of six types in a mixed order; of the rarest there is one in `rarest`. */
export function* shopItems(count: number, rarest: number, seed = 1): Generator<Item> {
  const random = seeded(seed);
  for (let n = 0; n < count; n += 1) yield shopItem(n, rarest, random);
}

export function shopItem(n: number, rarest: number, random: () => number): Item {
  const hex = (length: number) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
  const id = () => random().toString(36).slice(2, 12).padEnd(10, '0');
  const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  const time = () => new Date(1_700_000_000_000 + Math.floor(random() * 60_000_000_000)).toISOString();
  const amount = () => Math.floor(random() * 10_000) / 100;
  if (n % rarest === Math.floor(rarest / 2))
    return { PK: S(`TENANT#${id()}`), SK: S(`AUDIT#${uuid()}`), auditor: S('x'), findings: { L: [S('a'), S('b')] } };
  const p = random();
  if (p < 0.05) {
    const dimensions = { M: { width: N(40), height: N(90) } };
    return { PK: S(`PRODUCT#${Math.floor(random() * 1e6)}`), SK: S('META'), title: S('Chair'), price: N(amount()), dimensions };
  }
  if (p < 0.25) {
    const phone = random() < 0.5 ? S('123') : { NULL: true };
    const person = { email: S('a@example.com'), name: S('A'), createdAt: S(time()) };
    return { PK: S(`USER#${uuid()}`), SK: S('PROFILE'), ...person, ...(random() < 0.3 && { phone }) };
  }
  if (p < 0.55) {
    // A version of the program once wrote the total as text.
    const total = random() < 0.1 ? S('12.50') : N(amount());
    return {
      PK: S(`USER#${uuid()}`),
      SK: S(`ORDER#${time().slice(0, 10)}#${id()}`),
      total,
      status: S('open'),
      tags: { SS: ['a', 'b'] },
    };
  }
  if (p < 0.6) return { PK: S(`USER#${uuid()}`), SK: S(`SESSION#${time()}`), expires: N(1_800_000_000), agent: S('x') };
  return {
    PK: S(`ORDER#${id()}`),
    SK: S(`ITEM#${Math.floor(random() * 20)}`),
    sku: S(id()),
    quantity: N(2),
    gift: { BOOL: true },
  };
}

import { z } from 'zod';
import { compareBytes } from '../src/connections/byte-order.ts';

interface Named {
  readonly schema: string;
  readonly name: string;
}

const CURSOR = z.tuple([z.string(), z.string()]);

/** How far a crawl of tables has come; they are in the order of the bytes of their schemas and names. */
export function cursorOf(relation: Named | undefined): string {
  return relation === undefined ? '' : JSON.stringify([relation.schema, relation.name]);
}

export function isAfter({ schema, name }: Named, cursor: string | undefined): boolean {
  if (cursor === undefined || cursor === '') return true;
  const [lastSchema, lastName] = CURSOR.parse(JSON.parse(cursor));
  const order = compareBytes(schema, lastSchema);
  return order > 0 || (order === 0 && compareBytes(name, lastName) > 0);
}

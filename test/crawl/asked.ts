import { Query } from 'pg';
import { vi } from 'vitest';

/** Statements sent to the database meanwhile, and rows that came back. */
export async function asked(fn: () => Promise<unknown>): Promise<{ statements: number; rows: number }> {
  const query = Query.prototype as unknown as { submit(): unknown; handleDataRow(): unknown };
  const statements = vi.spyOn(query, 'submit');
  const rows = vi.spyOn(query, 'handleDataRow');
  await fn();
  const counts = { statements: statements.mock.calls.length, rows: rows.mock.calls.length };
  vi.restoreAllMocks();
  return counts;
}

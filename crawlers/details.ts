import type { TableDetails } from '../src/model/table-details.ts';

/** A definition is kept up to so many characters: it is compared at every crawl, and shown whole. */
const MAX_DEFINITION_CHARS = 100_000;

export function boundedText(text: string | null | undefined): string {
  if (text === null || text === undefined) return '';
  return text.length <= MAX_DEFINITION_CHARS ? text : `${text.slice(0, MAX_DEFINITION_CHARS)}…`;
}

/** Leaves out what is empty; undefined when nothing is left. */
export function tableDetails(all: TableDetails): TableDetails | undefined {
  const filled = Object.entries(all).filter(([, value]: [string, unknown]) => {
    if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
    return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  });
  return filled.length === 0 ? undefined : Object.fromEntries(filled);
}

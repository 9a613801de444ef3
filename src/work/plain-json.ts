/**
 * A value as Postgres can keep it in jsonb: bigints as text, what JSON cannot say left out, and U+FFFD for NUL and for
 * halves of surrogate pairs, which jsonb refuses. Names of files are full of surprises.
 */
export function plainJson(value: unknown): unknown {
  const text = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) as
    | string
    | undefined;
  if (text === undefined) return null;
  // A pair of backslashes is matched first, so that the text «\u0000» itself stays what it is.
  return JSON.parse(
    text.replace(/(\\\\)|\\u0000|\\ud[89a-f][0-9a-f]{2}/gi, (match, backslashes?: string) => backslashes ?? '\ufffd'),
  );
}

/** The same for an object. */
export function plainRecord(value: Record<string, unknown>): Record<string, unknown> {
  return plainJson(value) as Record<string, unknown>;
}

/** A text as Postgres can keep it, of at most `chars` characters. */
export function plainText(text: string, chars: number): string {
  const cut = text.length > chars ? `${text.slice(0, chars)}…` : text;
  return cut.replace(/[\0\p{Cs}]/gu, '\ufffd');
}

import { badOptions } from './classifier-kind.ts';
import { JsonFault, type JsonNode, type JsonReader } from './json-reader.ts';

/** A field of an object, an item of an array, or all of either. */
type Step = { readonly field: string } | { readonly item: number } | 'all';

/** `$`, `$[*]`, `$.a.b[*]`, `$['a b'].*`, `$.a[0]`: which values of a document are rows. Throws BAD_INPUT for anything else. */
export function parseJsonPath(text: string): readonly Step[] {
  const steps: Step[] = [];
  const part = /\.(?:([\p{L}_$][\p{L}\p{N}_$-]*)|(\*))|\[(?:(\d{1,9})|(\*)|'([^']*)'|"([^"]*)")\]/uy;
  if (!text.startsWith('$')) throw badPath(text);
  part.lastIndex = 1;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) throw badPath(text);
    const [, name, , item, , single, double] = match;
    const field = name ?? single ?? double;
    steps.push(field !== undefined ? { field } : item !== undefined ? { item: Number(item) } : 'all');
  }
  return steps;
}

function badPath(text: string): Error {
  return badOptions([`path: «${text.slice(0, 200)}» is no path; write $, $[*], $.rows[*], $.a.b or $.*`]);
}

/**
 * Gives the values that a path leads to, one by one, and what else the document holds is passed over. False from `take` ends
 * it. An array at the end of a path stands for its items. Throws JsonFault, also where the text is only cut.
 */
export function walkJsonPath(reader: JsonReader, steps: readonly Step[], take: (node: JsonNode) => boolean): boolean {
  const [step, ...rest] = steps;
  const sign = reader.peek();
  if (step === undefined) return sign === '[' ? walkItems(reader, () => true, [], take) : take(reader.value());
  if (sign === '[') return walkItems(reader, (i) => step === 'all' || ('item' in step && step.item === i), rest, take);
  if (sign === '{') return walkFields(reader, (name) => step === 'all' || ('field' in step && step.field === name), rest, take);
  reader.value();
  return true;
}

type Take = (node: JsonNode) => boolean;

function walkItems(reader: JsonReader, fits: (i: number) => boolean, rest: readonly Step[], take: Take): boolean {
  reader.skip('[');
  if (reader.skip(']')) return true;
  let i = 0;
  do {
    if (!fits(i)) reader.value();
    // An array in an array at the end of a path is a value like any other.
    else if (!(rest.length === 0 ? take(reader.value()) : walkJsonPath(reader, rest, take))) return false;
    i += 1;
  } while (reader.skip(','));
  return close(reader, ']');
}

function walkFields(reader: JsonReader, fits: (name: string) => boolean, rest: readonly Step[], take: Take): boolean {
  reader.skip('{');
  if (reader.skip('}')) return true;
  do {
    const name = reader.peek() === '"' ? reader.value() : undefined;
    if (name?.kind !== 'string') throw fault(reader, 'lacks the name of a field');
    if (!reader.skip(':')) throw fault(reader, 'lacks «:»');
    if (!fits(name.text)) reader.value();
    else if (!walkJsonPath(reader, rest, take)) return false;
  } while (reader.skip(','));
  return close(reader, '}');
}

function close(reader: JsonReader, sign: string): true {
  if (!reader.skip(sign)) throw fault(reader, `lacks «${sign}»`);
  return true;
}

function fault(reader: JsonReader, problem: string): JsonFault {
  return new JsonFault(problem, reader.at, reader.peek() === undefined);
}

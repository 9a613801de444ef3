import type { DynamodbItem, DynamodbValue } from '../src/connections/dynamodb.ts';
import { simple, type ColumnType } from '../src/model/types.ts';
import { mapOf, NOTHING, structOf, unifyOrText } from './dynamodb-types.ts';

/** What was seen of one attribute, or of one place inside of it. */
export interface Guess {
  /** How often each type was there; `NULL` says nothing of the type. */
  readonly kinds: Map<keyof DynamodbValue, number>;
  /** Of `N` and of the members of `NS`. */
  readonly number: NumberGuess;
  element: Guess | undefined;
  fields: Map<string, Guess> | undefined;
  /** More fields than are told apart. */
  tooMany: boolean;
}

interface NumberGuess {
  /** Digits before and behind the point, and of one number in all. */
  before: number;
  behind: number;
  digits: number;
  /** More than a bigint holds. */
  huge: boolean;
  exponent: boolean;
}

/**
 * How many places may still be told apart, in a whole sample: attributes of each shape, and fields inside of them. So memory has an
 * end, whatever names somebody gives to attributes.
 */
export interface Room {
  left: number;
}

/** A map with more different keys than this is taken for a dictionary. */
const MAP_KEYS = 50;
const MAX_FIELDS = 500;
const MAX_DEPTH = 16;
const MAX_ELEMENTS = 100;

export function newGuess(): Guess {
  const number = { before: 0, behind: 0, digits: 0, huge: false, exponent: false };
  return { kinds: new Map(), number, element: undefined, fields: undefined, tooMany: false };
}

export function observe(guess: Guess, value: DynamodbValue, room: Room, depth = 0): void {
  const kind = kindOf(value);
  guess.kinds.set(kind, (guess.kinds.get(kind) ?? 0) + 1);
  if (value.N !== undefined) observeNumber(guess.number, value.N);
  for (const member of value.NS ?? []) observeNumber(guess.number, member);
  if (depth >= MAX_DEPTH) return;
  if (value.L !== undefined) {
    guess.element ??= newGuess();
    for (const item of value.L.slice(0, MAX_ELEMENTS)) observe(guess.element, item, room, depth + 1);
  }
  if (value.M !== undefined) observeFields(guess, value.M, room, depth);
}

function observeFields(guess: Guess, map: DynamodbItem, room: Room, depth: number): void {
  guess.fields ??= new Map();
  for (const [name, value] of Object.entries(map)) {
    // Beyond the limit all are one: it is a dictionary, whatever its keys are.
    const place = guess.fields.has(name) || (guess.fields.size < MAX_FIELDS && room.left > 0) ? name : '';
    if (place === '') guess.tooMany = true;
    const known = guess.fields.get(place);
    if (known === undefined) room.left -= 1;
    const field = known ?? newGuess();
    guess.fields.set(place, field);
    observe(field, value, room, depth + 1);
  }
}

function kindOf(value: DynamodbValue): keyof DynamodbValue {
  return (Object.keys(value).find((key) => value[key as keyof DynamodbValue] !== undefined) ?? 'NULL') as keyof DynamodbValue;
}

/** `-12.50`, `1E+30`: as DynamoDB writes numbers, with 38 digits at most. */
function observeNumber(guess: NumberGuess, text: string): void {
  const [, sign = '', whole = '', fraction = '', exponent] = /^(-?)0*(\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (exponent !== undefined) guess.exponent = true;
  guess.before = Math.max(guess.before, whole.length);
  guess.behind = Math.max(guess.behind, fraction.length);
  guess.digits = Math.max(guess.digits, whole.length + fraction.length);
  if (whole.length < 19) return;
  const integer = whole.length === 19 ? BigInt(sign + whole) : undefined;
  if (integer === undefined || BigInt.asIntN(64, integer) !== integer) guess.huge = true;
}

export function addGuess(to: Guess, from: Guess): void {
  for (const [kind, count] of from.kinds) to.kinds.set(kind, (to.kinds.get(kind) ?? 0) + count);
  for (const key of ['before', 'behind', 'digits'] as const) to.number[key] = Math.max(to.number[key], from.number[key]);
  to.number.huge ||= from.number.huge;
  to.number.exponent ||= from.number.exponent;
  to.tooMany ||= from.tooMany;
  if (from.element !== undefined) addGuess((to.element ??= newGuess()), from.element);
  if (from.fields === undefined) return;
  to.fields ??= new Map();
  for (const [name, field] of from.fields) {
    const known = to.fields.get(name) ?? newGuess();
    to.fields.set(name, known);
    addGuess(known, field);
  }
}

/** The types that were seen, each with how often. None where all was NULL. */
export function typesOf(guess: Guess): [ColumnType, number][] {
  return [...guess.kinds].flatMap(([kind, count]) => (kind === 'NULL' ? [] : [[typeOfKind(guess, kind), count]]));
}

function typeOfKind(guess: Guess, kind: keyof DynamodbValue): ColumnType {
  switch (kind) {
    case 'N':
      return numberType(guess.number);
    case 'B':
      return simple('binary');
    case 'BOOL':
      return simple('boolean');
    case 'L':
      return { kind: 'array', element: guess.element === undefined ? NOTHING : placeType(guess.element) };
    case 'M':
      return mapType(guess);
    case 'SS':
      return { kind: 'array', element: simple('string') };
    case 'NS':
      return { kind: 'array', element: numberType(guess.number) };
    case 'BS':
      return { kind: 'array', element: simple('binary') };
    default:
      return simple('string');
  }
}

/** Inside of lists and maps mixed values are text. */
function placeType(guess: Guess): ColumnType {
  return typesOf(guess)
    .map(([type]) => type)
    .reduce(unifyOrText, NOTHING);
}

function mapType({ fields = new Map<string, Guess>(), tooMany }: Guess): ColumnType {
  const typed = [...fields].map(([name, field]) => ({ name, type: placeType(field) }));
  const isDictionary = tooMany || fields.size > MAP_KEYS || typed.some(({ name }) => name === '');
  return isDictionary ? mapOf(typed.map(({ type }) => type).reduce(unifyOrText, NOTHING)) : structOf(typed);
}

/**
 * Of a few types only, each of which holds all before it, so that another sample of the same numbers finds the same one:
 * bigint, decimal with two or four places (money), decimal(38,0), double, and a decimal where a double would lose digits.
 */
function numberType({ before, behind, digits, huge, exponent }: NumberGuess): ColumnType {
  if (exponent || before > 38) return simple('double');
  if (behind === 0) return huge ? { kind: 'decimal', precision: 38, scale: 0 } : simple('bigint');
  if (behind <= 4 && before <= 18)
    return behind <= 2 ? { kind: 'decimal', precision: 21, scale: 2 } : { kind: 'decimal', precision: 23, scale: 4 };
  if (digits <= 15) return simple('double');
  const scale = [9, 18, 24].find((step) => step >= behind) ?? behind;
  return before + scale <= 38 ? { kind: 'decimal', precision: 38, scale } : simple('double');
}

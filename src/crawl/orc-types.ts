import { TenonError } from '../model/errors.ts';
import type { Column } from '../model/schema.ts';
import { MAX_DECIMAL_PRECISION, simple, type ColumnType } from '../model/types.ts';
import type { ClassifyLimits } from './classifier.ts';
import { bytesOf, numberOf, numbersOf, readMessage, textOf } from './protobuf.ts';

interface Typed {
  readonly type: ColumnType;
  /** ORC's own word, where the normalised type says less. */
  readonly sourceType?: string;
}

interface Node {
  readonly kind: number;
  readonly children: readonly number[];
  readonly names: readonly string[];
  readonly length: number;
  readonly precision: number;
  readonly scale: number;
}

const STRUCT = 12;
const MAX_DEPTH = 60;

/** The columns of an ORC file, by the list of types in its footer: a tree, each type followed by its children. */
export function orcColumns(path: string, footer: ReturnType<typeof readMessage>, limits: ClassifyLimits): Column[] {
  const types = footer.get(4) ?? [];
  if (types.length > limits.columns + 1) {
    const message = `${path} has ${types.length - 1} columns, nested fields counted; ${limits.columns} are the limit (columns).`;
    throw new TenonError('LIMIT', message, { path, limit: 'columns' });
  }
  const nodes = types.map((type) => readNode(bytesOf(type)));
  const root = nodes[0];
  if (root === undefined) throw new Error('no types');
  if (root.kind !== STRUCT)
    throw new TenonError('UNSUPPORTED', `${path} holds values that are no rows; supported is ORC with a struct on top.`, {
      path,
    });
  const walk = new OrcWalk(nodes);
  return root.children.map((child, i) => {
    const { type, sourceType } = walk.type(0, child, 1);
    return { name: nameAt(root, i), type, ...(sourceType !== undefined && { sourceType }) };
  });
}

/** A column on top of the file, with its place in the lists of the footer. */
export interface TopType {
  readonly index: number;
  /** It holds no other types. */
  readonly isSimple: boolean;
  /** Its texts are filled up with blanks. */
  readonly isPadded: boolean;
}

/** In the order of the columns. */
export function topTypes(footer: ReturnType<typeof readMessage>): TopType[] {
  const types = footer.get(4) ?? [];
  const [root] = types;
  return readNode(bytesOf(root ?? new Uint8Array())).children.map((index) => {
    const { kind } = readNode(bytesOf(types[index] ?? new Uint8Array()));
    return { index, isSimple: kind < 10 || kind > 13, isPadded: kind === 17 };
  });
}

function readNode(bytes: Uint8Array): Node {
  const fields = readMessage(bytes);
  return {
    kind: numberOf(fields, 1) ?? 0,
    children: numbersOf(fields.get(2) ?? []),
    names: (fields.get(3) ?? []).map(textOf),
    length: numberOf(fields, 4) ?? 0,
    precision: numberOf(fields, 5) ?? 0,
    scale: numberOf(fields, 6) ?? 0,
  };
}

function nameAt(node: Node, i: number): string {
  const name = node.names[i];
  if (name === undefined || name === '') throw new Error('a field without a name');
  return name;
}

class OrcWalk {
  private readonly nodes: readonly Node[];
  /** Each type is the child of one other; a list in which that does not hold could be walked for ever. */
  private readonly seen = new Set<number>();

  constructor(nodes: readonly Node[]) {
    this.nodes = nodes;
  }

  type(parent: number, index: number, depth: number): Typed {
    const node = this.nodes[index];
    if (node === undefined || index <= parent || this.seen.has(index) || depth > MAX_DEPTH)
      throw new Error('types that are no tree');
    this.seen.add(index);
    const children = (): ColumnType[] => node.children.map((child) => this.type(index, child, depth + 1).type);
    switch (node.kind) {
      case 10:
        return { type: { kind: 'array', element: single(children()) } };
      case 11:
        return { type: mapOf(children()) };
      case STRUCT:
        return { type: { kind: 'struct', fields: children().map((type, i) => ({ name: nameAt(node, i), type })) } };
      case 13:
        // Spark's way to say which one it may be.
        return {
          type: { kind: 'struct', fields: children().map((type, i) => ({ name: `member${i}`, type })) },
          sourceType: 'uniontype',
        };
      default:
        return leaf(node);
    }
  }
}

function single(types: readonly ColumnType[]): ColumnType {
  const [type, ...more] = types;
  if (type === undefined || more.length > 0) throw new Error('a list without one type');
  return type;
}

function mapOf(types: readonly ColumnType[]): ColumnType {
  const [key, value, ...more] = types;
  if (key === undefined || value === undefined || more.length > 0) throw new Error('a map without two types');
  return { kind: 'map', key, value };
}

const LEAVES: Readonly<Record<number, ColumnType>> = {
  0: simple('boolean'),
  1: simple('tinyint'),
  2: simple('smallint'),
  3: simple('int'),
  4: simple('bigint'),
  5: simple('float'),
  6: simple('double'),
  7: simple('string'),
  8: simple('binary'),
  9: simple('timestamp'),
  15: simple('date'),
  18: simple('timestamptz'),
};

function leaf(node: Node): Typed {
  const type = LEAVES[node.kind];
  if (type !== undefined) return { type };
  if (node.kind === 16) return { type: simple('string'), sourceType: `varchar(${node.length})` };
  if (node.kind === 17) return { type: simple('string'), sourceType: `char(${node.length})` };
  // Geometries came later, as well-known binary.
  if (node.kind === 19 || node.kind === 20)
    return { type: simple('binary'), sourceType: node.kind === 19 ? 'geometry' : 'geography' };
  if (node.kind !== 14) throw new Error(`the unknown type ${node.kind}`);
  const { scale } = node;
  // Files of the first Hive say no precision: it was 38.
  const precision = node.precision === 0 ? MAX_DECIMAL_PRECISION : node.precision;
  if (precision > MAX_DECIMAL_PRECISION || scale > precision)
    return { type: simple('double'), sourceType: `decimal(${precision},${scale})` };
  return { type: { kind: 'decimal', precision, scale } };
}

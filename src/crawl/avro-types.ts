import { TenonError } from '../model/errors.ts';
import type { Column } from '../model/schema.ts';
import { MAX_DECIMAL_PRECISION, simple, type ColumnType, type SimpleKind } from '../model/types.ts';
import { BLANK } from './blank.ts';
import type { ClassifyLimits } from './classifier.ts';

interface Typed {
  readonly type: ColumnType;
  readonly nullable?: boolean;
  /** Avro's own word, where the normalised type says less. */
  readonly sourceType?: string;
}

type Json = Readonly<Record<string, unknown>>;

const PRIMITIVES: Readonly<Record<string, SimpleKind>> = {
  boolean: 'boolean',
  int: 'int',
  long: 'bigint',
  float: 'float',
  double: 'double',
  bytes: 'binary',
  string: 'string',
};
/** Deeper types are refused; the catalog has a limit of its own. */
const MAX_DEPTH = 60;

/** The columns of an Avro schema, which is JSON from outside. */
export function avroColumns(path: string, schema: unknown, limits: ClassifyLimits): Column[] {
  const walk = new AvroWalk(path, limits);
  return walk.columns(schema);
}

class AvroWalk {
  private readonly path: string;
  private readonly limits: ClassifyLimits;
  private readonly named = new Map<string, { schema: Json; namespace: string }>();
  /** Records that are being walked: one that is met again contains itself. */
  private readonly open = new Set<Json>();
  private fields = 0;

  constructor(path: string, limits: ClassifyLimits) {
    this.path = path;
    this.limits = limits;
  }

  columns(schema: unknown): Column[] {
    if (!isObject(schema) || (schema['type'] !== 'record' && schema['type'] !== 'error'))
      throw this.fault('UNSUPPORTED', 'holds values that are no records; supported is Avro with a record on top');
    return this.record(schema, '', 0).map(({ name, typed }) => ({
      name,
      type: typed.type,
      ...(typed.nullable !== true && { nullable: false }),
      ...(typed.sourceType !== undefined && { sourceType: typed.sourceType }),
    }));
  }

  private record(schema: Json, namespace: string, depth: number): { name: string; typed: Typed }[] {
    if (this.open.has(schema))
      throw this.fault('UNSUPPORTED', `has a record that contains itself («${shown(schema['name'])}»); no table can hold it`);
    const inner = this.define(schema, namespace);
    const list = schema['fields'];
    if (!Array.isArray(list)) throw this.broken();
    this.open.add(schema);
    const fields = list.map((field: unknown) => {
      if (!isObject(field) || typeof field['name'] !== 'string') throw this.broken();
      this.count();
      return { name: field['name'], typed: this.type(field['type'], inner, depth + 1) };
    });
    this.open.delete(schema);
    return fields;
  }

  /** Remembers a named type, and gives the namespace of what is inside of it. */
  private define(schema: Json, namespace: string): string {
    const name = schema['name'];
    if (typeof name !== 'string') throw this.broken();
    const own = typeof schema['namespace'] === 'string' ? schema['namespace'] : namespace;
    const full = fullName(name, own);
    const inner = full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : '';
    if (!this.named.has(full)) this.named.set(full, { schema, namespace });
    return inner;
  }

  private type(schema: unknown, namespace: string, depth: number): Typed {
    if (depth > MAX_DEPTH) throw this.fault('LIMIT', `has types nested deeper than ${MAX_DEPTH} levels`);
    if (typeof schema === 'string') return this.byName(schema, namespace, depth);
    if (Array.isArray(schema)) return this.union(schema, namespace, depth);
    if (!isObject(schema)) throw this.broken();
    const logical = logicalType(schema);
    const typed = this.complex(schema, namespace, depth);
    return logical ?? typed;
  }

  private complex(schema: Json, namespace: string, depth: number): Typed {
    switch (schema['type']) {
      case 'record':
      case 'error':
        return { type: this.struct(this.record(schema, namespace, depth)) };
      case 'array':
        this.count();
        return { type: { kind: 'array', element: this.type(schema['items'], namespace, depth + 1).type } };
      case 'map':
        this.count();
        return { type: { kind: 'map', key: simple('string'), value: this.type(schema['values'], namespace, depth + 1).type } };
      case 'enum':
        this.define(schema, namespace);
        return { type: simple('string'), sourceType: 'enum' };
      case 'fixed':
        this.define(schema, namespace);
        return { type: simple('binary'), sourceType: `fixed(${shown(schema['size'])})` };
      default:
        return this.type(schema['type'], namespace, depth + 1);
    }
  }

  private struct(fields: readonly { name: string; typed: Typed }[]): ColumnType {
    return { kind: 'struct', fields: fields.map(({ name, typed }) => ({ name, type: typed.type })) };
  }

  private byName(name: string, namespace: string, depth: number): Typed {
    const primitive = PRIMITIVES[name];
    if (primitive !== undefined && Object.hasOwn(PRIMITIVES, name)) return { type: simple(primitive) };
    if (name === 'null') return { type: simple('string'), nullable: true, sourceType: BLANK };
    const known = this.named.get(fullName(name, namespace)) ?? this.named.get(name);
    if (known === undefined) throw this.fault('DATA_UNREADABLE', `names a type «${shown(name)}» that its schema does not have`);
    return this.type(known.schema, known.namespace, depth + 1);
  }

  /** With null: nullable. Of several others Spark's way: the wider number, else a struct with a member for each. */
  private union(branches: readonly unknown[], namespace: string, depth: number): Typed {
    const others = branches.filter((branch) => !isNull(branch));
    const nullable = others.length < branches.length;
    const [first] = others;
    if (first === undefined) return { type: simple('string'), nullable: true, sourceType: BLANK };
    if (others.length === 1) return { ...this.type(first, namespace, depth + 1), ...(nullable && { nullable }) };
    const types = others.map((branch) => {
      this.count();
      return this.type(branch, namespace, depth + 1).type;
    });
    const members = types.map((type, i) => ({ name: `member${i}`, type }));
    const type: ColumnType = wider(types) ?? { kind: 'struct', fields: members };
    return { type, sourceType: 'union', ...(nullable && { nullable }) };
  }

  private count(): void {
    this.fields += 1;
    if (this.fields <= this.limits.columns) return;
    throw this.fault('LIMIT', `has more than ${this.limits.columns} columns, nested fields counted (columns)`, 'columns');
  }

  private broken(): TenonError {
    return this.fault('DATA_UNREADABLE', 'has a broken Avro schema');
  }

  private fault(code: 'DATA_UNREADABLE' | 'UNSUPPORTED' | 'LIMIT', what: string, limit?: string): TenonError {
    return new TenonError(code, `${this.path} ${what}.`, { path: this.path, ...(limit !== undefined && { limit }) });
  }
}

/** An annotation that does not fit its type counts as none, as the format demands. */
function logicalType(schema: Json): Typed | undefined {
  const logical = schema['logicalType'];
  const type = schema['type'];
  if (type === 'int' && logical === 'date') return { type: simple('date') };
  if (type === 'int' && logical === 'time-millis') return { type: simple('string'), sourceType: logical };
  if (type === 'string' && logical === 'uuid') return { type: simple('string'), sourceType: logical };
  if (type === 'fixed' && logical === 'duration') return { type: simple('binary'), sourceType: logical };
  if ((type === 'bytes' || type === 'fixed') && logical === 'decimal') return decimal(schema['precision'], schema['scale'] ?? 0);
  if (type !== 'long') return undefined;
  switch (logical) {
    case 'timestamp-millis':
    case 'timestamp-micros':
      return { type: simple('timestamptz') };
    case 'timestamp-nanos':
      return { type: simple('timestamptz'), sourceType: logical };
    case 'local-timestamp-millis':
    case 'local-timestamp-micros':
      return { type: simple('timestamp') };
    case 'local-timestamp-nanos':
      return { type: simple('timestamp'), sourceType: logical };
    case 'time-micros':
      return { type: simple('string'), sourceType: logical };
    default:
      return undefined;
  }
}

function decimal(precision: unknown, scale: unknown): Typed | undefined {
  if (!Number.isInteger(precision) || !Number.isInteger(scale)) return undefined;
  const [p, s] = [Number(precision), Number(scale)];
  if (p < 1 || s < 0 || s > p) return undefined;
  if (p > MAX_DECIMAL_PRECISION) return { type: simple('double'), sourceType: `decimal(${p},${s})` };
  return { type: { kind: 'decimal', precision: p, scale: s } };
}

function wider(types: readonly ColumnType[]): ColumnType | undefined {
  const kinds = new Set(types.map(({ kind }) => kind));
  const only = (...allowed: string[]): boolean => [...kinds].every((kind) => allowed.includes(kind));
  if (only('int', 'bigint')) return simple('bigint');
  if (only('float', 'double')) return simple('double');
  return undefined;
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function isNull(schema: unknown): boolean {
  return schema === 'null' || (isObject(schema) && schema['type'] === 'null');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return String(typeof value === 'object' ? '' : value).slice(0, 100);
}

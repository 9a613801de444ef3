import type { SchemaElement } from 'hyparquet';
import { TenonError } from '../model/errors.ts';
import type { Column } from '../model/schema.ts';
import { MAX_DECIMAL_PRECISION, simple, type ColumnType } from '../model/types.ts';
import type { ClassifyLimits } from './classifier.ts';

interface Typed {
  readonly type: ColumnType;
  /** Parquet's own word, where the normalised type says less. */
  readonly sourceType?: string;
}

/** The columns of a Parquet schema, which is a tree written down depth first. */
export function parquetColumns(path: string, schema: readonly SchemaElement[], limits: ClassifyLimits): Column[] {
  const root = schema[0];
  const walk = new SchemaWalk(path, schema);
  const count = root?.num_children ?? 0;
  if (count > limits.columns)
    throw new TenonError('LIMIT', `${path} has ${count} columns; ${limits.columns} are the limit (columns).`, {
      path,
      limit: 'columns',
    });
  const columns: Column[] = [];
  for (let i = 0; i < count; i += 1) {
    const { element, typed } = walk.next(0);
    columns.push({
      name: element.name,
      type: typed.type,
      ...(element.repetition_type === 'REQUIRED' && { nullable: false }),
      ...(typed.sourceType !== undefined && { sourceType: typed.sourceType }),
    });
  }
  return columns;
}

class SchemaWalk {
  private readonly path: string;
  private readonly schema: readonly SchemaElement[];
  private at = 1;

  constructor(path: string, schema: readonly SchemaElement[]) {
    this.path = path;
    this.schema = schema;
  }

  next(depth: number): { element: SchemaElement; typed: Typed } {
    const element = this.schema[this.at];
    if (element === undefined || depth > 60)
      throw new TenonError('DATA_UNREADABLE', `${this.path} has a broken Parquet schema.`, { path: this.path });
    this.at += 1;
    const typed = (element.num_children ?? 0) > 0 ? { type: this.group(element, depth) } : leafType(element);
    const isList = annotation(element) === 'LIST' || annotation(element) === 'MAP' || annotation(element) === 'MAP_KEY_VALUE';
    // A repeated field without a list around it is an array of itself, by the format's rule for old writers.
    return {
      element,
      typed:
        element.repetition_type === 'REPEATED' && !isList && depth >= 0
          ? { ...typed, type: { kind: 'array', element: typed.type } }
          : typed,
    };
  }

  private group(element: SchemaElement, depth: number): ColumnType {
    const kind = annotation(element);
    const count = element.num_children ?? 0;
    if ((kind === 'MAP' || kind === 'MAP_KEY_VALUE') && count === 1) return this.map(depth + 1);
    if (kind === 'LIST' && count === 1) return { kind: 'array', element: this.listElement(element.name, depth + 1) };
    return { kind: 'struct', fields: this.fields(count, depth) };
  }

  private fields(count: number, depth: number): { name: string; type: ColumnType }[] {
    const fields: { name: string; type: ColumnType }[] = [];
    // One by one: the count is from outside, and nothing is made for fields that are not there.
    for (let i = 0; i < count; i += 1) {
      const { element, typed } = this.next(depth + 1);
      fields.push({ name: element.name, type: typed.type });
    }
    return fields;
  }

  private map(depth: number): ColumnType {
    const pair = this.schema[this.at];
    this.at += 1;
    const [key, value] = this.fields(pair?.num_children ?? 0, depth);
    // A map without values is a set.
    return { kind: 'map', key: key?.type ?? simple('string'), value: value?.type ?? simple('boolean') };
  }

  /**
   * The rules for lists of all ages: the repeated child is the element itself when it is no group, has several fields, or is
   * named `array` or `<list>_tuple`; else it wraps the element.
   */
  private listElement(listName: string, depth: number): ColumnType {
    const repeated = this.schema[this.at];
    const wraps = repeated?.num_children === 1 && repeated.name !== 'array' && repeated.name !== `${listName}_tuple`;
    if (wraps) {
      this.at += 1;
      return this.next(depth).typed.type;
    }
    const { type } = this.next(depth).typed;
    return type.kind === 'array' && repeated?.repetition_type === 'REPEATED' ? type.element : type;
  }
}

function annotation(element: SchemaElement): string | undefined {
  return element.logical_type?.type ?? element.converted_type;
}

function leafType(element: SchemaElement): Typed {
  return logicalType(element) ?? convertedType(element) ?? physicalType(element);
}

function logicalType(element: SchemaElement): Typed | undefined {
  const logical = element.logical_type;
  switch (logical?.type) {
    case 'STRING':
      return { type: simple('string') };
    case 'DATE':
      return { type: simple('date') };
    case 'DECIMAL':
      return decimal(logical.precision, logical.scale);
    case 'TIMESTAMP':
      return {
        type: simple(logical.isAdjustedToUTC ? 'timestamptz' : 'timestamp'),
        ...(logical.unit === 'NANOS' && { sourceType: 'TIMESTAMP(NANOS)' }),
      };
    case 'INTEGER':
      return integer(logical.bitWidth, logical.isSigned);
    case 'TIME':
      return { type: simple('string'), sourceType: `TIME(${logical.unit})` };
    case 'FLOAT16':
      return { type: simple('float'), sourceType: 'FLOAT16' };
    case 'UUID':
    case 'ENUM':
    case 'JSON':
    case 'NULL':
      return { type: simple('string'), sourceType: logical.type };
    case 'BSON':
    case 'VARIANT':
    case 'GEOMETRY':
    case 'GEOGRAPHY':
      return { type: simple('binary'), sourceType: logical.type };
    default:
      return undefined;
  }
}

/** The older annotation. Its timestamps say nothing about a zone, and engines read them as wall-clock time. */
function convertedType(element: SchemaElement): Typed | undefined {
  const converted = element.converted_type;
  switch (converted) {
    case 'UTF8':
      return { type: simple('string') };
    case 'DATE':
      return { type: simple('date') };
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      return { type: simple('timestamp') };
    case 'DECIMAL':
      return decimal(element.precision ?? 0, element.scale ?? 0);
    case 'TIME_MILLIS':
    case 'TIME_MICROS':
    case 'ENUM':
    case 'JSON':
    case 'INTERVAL':
      return { type: simple('string'), sourceType: converted };
    case 'BSON':
      return { type: simple('binary'), sourceType: converted };
    default: {
      const match = /^(U?)INT_(\d+)$/.exec(converted ?? '');
      return match === null ? undefined : integer(Number(match[2]), match[1] === '');
    }
  }
}

function physicalType(element: SchemaElement): Typed {
  switch (element.type) {
    case 'BOOLEAN':
      return { type: simple('boolean') };
    case 'INT32':
      return { type: simple('int') };
    case 'INT64':
      return { type: simple('bigint') };
    case 'INT96':
      return { type: simple('timestamp'), sourceType: 'INT96' };
    case 'FLOAT':
      return { type: simple('float') };
    case 'DOUBLE':
      return { type: simple('double') };
    default:
      return { type: simple('binary') };
  }
}

/** Unsigned integers go into the next wider signed type, as every value must fit. */
function integer(bits: number, signed: boolean): Typed {
  if (signed) return { type: simple(bits <= 8 ? 'tinyint' : bits <= 16 ? 'smallint' : bits <= 32 ? 'int' : 'bigint') };
  if (bits > 32) return { type: { kind: 'decimal', precision: 20, scale: 0 }, sourceType: 'UINT_64' };
  return { type: simple(bits <= 8 ? 'smallint' : bits <= 16 ? 'int' : 'bigint'), sourceType: `UINT_${bits}` };
}

function decimal(precision: number, scale: number): Typed {
  const possible = precision >= 1 && precision <= MAX_DECIMAL_PRECISION && scale >= 0 && scale <= precision;
  return possible
    ? { type: { kind: 'decimal', precision, scale } }
    : { type: simple('double'), sourceType: `DECIMAL(${precision},${scale})` };
}

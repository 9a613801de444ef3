import { formatType, type ColumnType } from '../../model/types.ts';

/** What DuckDB's readers of text would change without a word, and so is read as text and converted here. */
const STRICT: ReadonlySet<string> = new Set([
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'decimal',
  'date',
  'timestamp',
  'timestamptz',
]);

/** True for the types of which DuckDB's own reading is lossy. */
export function isStrict(type: ColumnType): boolean {
  return STRICT.has(type.kind);
}

/**
 * Text as a value of a type, or an error. A crawl learns types from the head of a file; a value further down may not fit.
 * DuckDB's readers then round 5.7 to 6 and 1.239 to 1.24, drop the time of a date, drop the zone of a timestamp, and turn what is no instant
 * into null. A fraction that is none (`5.0`) and midnight are no loss.
 *
 * `text` and `name` are SQL: the quoted column, and its name as a literal. `sqlType` is DuckDB's spelling of `type`.
 */
export function strictValue(text: string, name: string, type: ColumnType, sqlType: string): string {
  const value = `cast(${text} as ${sqlType})`;
  const check = checkOf(text, type, value);
  if (check === undefined) return value;
  const refused = `error('In the column «' || ${name} || '» the value «' || ${text}[1:100] || '» is no ${formatType(type)}, in ' || filename)`;
  // Hardly any value gets beyond the first condition: this is paid for each value of each run.
  return `case when ${check.suspect} then case when ${check.loses} then ${refused} else ${value} end else ${value} end`;
}

function checkOf(text: string, type: ColumnType, value: string): { suspect: string; loses: string } | undefined {
  switch (type.kind) {
    case 'date':
      return { suspect: `strlen(${text}) > 10`, loses: `cast(${text} as timestamp) <> ${value}` };
    case 'timestamp': {
      const zone = '(?i)(z|utc|[+-]\\d\\d(:?\\d\\d)?)\\s*$';
      return { suspect: `strlen(${text}) > 19`, loses: `regexp_matches(${text}, '${zone}')` };
    }
    case 'decimal': {
      const exponent = `contains(lower(${text}), 'e')`;
      // Zeros behind the last digit that is kept are no loss.
      const rounds = `regexp_matches(${text}, '\\.\\d{${type.scale}}\\d*[1-9]')`;
      return {
        suspect: `strlen(${text}) - strpos(${text}, '.') > ${type.scale} and contains(${text}, '.') or ${exponent}`,
        loses: `case when ${exponent} then cast(${text} as double) <> cast(${value} as double) else ${rounds} end`,
      };
    }
    case 'timestamptz':
      return undefined;
    default: {
      const signs = ['.', 'e-', 'E-'].map((sign) => `contains(${text}, '${sign}')`);
      return { suspect: signs.join(' or '), loses: `cast(${text} as double) <> ${value}` };
    }
  }
}

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkName, foldName, parseTableName, quoteIdentifier, quoteLiteral, tableNameFrom } from '../../src/model/names.ts';

const DROP = '"; drop table x; --';

describe('checkName', () => {
  it('lets anything through that cannot do harm once it is quoted', () => {
    for (const name of ['sales', 'Verkäufe 2026', '売上', DROP, "o'brien", '$(rm -rf)', 'a-b_c@d', 'x'.repeat(255)])
      expect(checkName(name, 'table')).toBe(name);
  });

  it('refuses paths, control characters and texts that read otherwise than they are', () => {
    for (const name of [
      '',
      'x'.repeat(256),
      'a.b',
      'a/b',
      '..',
      '../x',
      'a\nb',
      'a\0b',
      '\u007f',
      '\u202Etxt',
      '\ud800',
      ' a',
      'a ',
      '\u00a0',
    ]) {
      expect(() => checkName(name, 'table'), JSON.stringify(name)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    }
    expect(() => checkName('', 'crawler')).toThrow('The name of a crawler cannot be empty.');
  });
});

describe('tableNameFrom', () => {
  it('makes a plain name', () => {
    expect(tableNameFrom('Orders-2026 (final)')).toBe('orders_2026_final');
    expect(tableNameFrom('Verkäufe')).toBe('verkaufe');
    expect(tableNameFrom('../../etc/passwd')).toBe('etc_passwd');
    expect(tableNameFrom(DROP)).toBe('drop_table_x');
  });

  it('makes a valid name of anything, the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const name = tableNameFrom(text);
        expect(name).toMatch(/^[a-z0-9_]{1,128}$/);
        expect(tableNameFrom(text)).toBe(name);
        expect(foldName(checkName(name, 'table'))).toBe(name);
      }),
    );
  });

  it('keeps apart what is long or has no plain letters', () => {
    expect(tableNameFrom('売上')).not.toBe(tableNameFrom('注文'));
    expect(tableNameFrom(`${'x'.repeat(200)}a`)).not.toBe(tableNameFrom(`${'x'.repeat(200)}b`));
  });
});

describe('parseTableName', () => {
  it('reads database.table', () => {
    expect(parseTableName('Lake.Sales')).toEqual({ database: 'lake', table: 'sales' });
  });

  it('refuses anything else', () => {
    for (const text of ['', 'sales', 'a.b.c', '.', 'a.', '.b', 'a./b', 'a.b\n'])
      expect(() => parseTableName(text), text).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  });
});

describe('quoting', () => {
  it('leaves no way out of the quotes', () => {
    expect(quoteIdentifier(DROP)).toBe('"""; drop table x; --"');
    expect(quoteLiteral("'; drop table x; --")).toBe("'''; drop table x; --'");
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', "'", '\\', ';', 'a', '\n') }), (text) => {
        expect(quoteIdentifier(text).slice(1, -1).replaceAll('""', '')).not.toContain('"');
        expect(quoteLiteral(text).slice(1, -1).replaceAll("''", '')).not.toContain("'");
      }),
    );
  });

  it('refuses NUL, which would end the statement', () => {
    expect(() => quoteIdentifier('a\0b')).toThrow('NUL');
    expect(() => quoteLiteral('a\0b')).toThrow('NUL');
  });
});

import { describe, expect, it } from 'vitest';
import { CLASSIFY_LIMITS } from '../../../src/crawl/classifier.ts';
import { customClassifier } from '../../../src/crawl/custom-kinds.ts';
import { compileGrok, parseCustomPatterns } from '../../../src/crawl/grok.ts';
import { GROK_PATTERNS } from '../../../src/crawl/grok-patterns.ts';
import { formatType } from '../../../src/model/types.ts';
import { sourceOf } from '../bytes.ts';

const APACHE = '10.0.0.7 - frank [10/Oct/2026:13:55:36 -0700] "GET /a.gif?x=1 HTTP/1.0" 200 2326';
const columnsOf = (pattern: string, custom = {}): string[] =>
  compileGrok(pattern, custom).columns.map(({ name, type }) => `${name} ${formatType(type)}`);
const valuesOf = (pattern: string, line: string, custom = ''): unknown =>
  compileGrok(pattern, parseCustomPatterns(custom)).match(line);

const spec = (options: Record<string, unknown>) => ({ name: 'mine', kind: 'grok', options });
const classify = (content: string, options: Record<string, unknown>) =>
  customClassifier(spec(options)).classify(sourceOf('app.log', content), CLASSIFY_LIMITS);

describe('a grok pattern', () => {
  it('names columns, with the types that it says', () => {
    expect(
      columnsOf(
        '%{IP:client} %{WORD:verb:string} %{INT:a:byte} %{INT:b:short} %{INT:c:int} %{INT:d:long} %{NUMBER:e:float} %{NUMBER:f:double} %{WORD:g:boolean}',
      ),
    ).toEqual([
      'client string',
      'verb string',
      'a tinyint',
      'b smallint',
      'c int',
      'd bigint',
      'e float',
      'f double',
      'g boolean',
    ]);
  });

  it('finds the values of a line, and those of the branch that was taken', () => {
    expect(valuesOf('%{COMMONAPACHELOG}', APACHE)).toEqual([
      '10.0.0.7',
      '-',
      'frank',
      '10/Oct/2026:13:55:36 -0700',
      'GET',
      '/a.gif?x=1',
      '1.0',
      undefined,
      '200',
      '2326',
    ]);
    expect(valuesOf('(?:%{INT:x:int}|%{WORD:y}) end', 'word end')).toEqual([undefined, 'word']);
    expect(valuesOf('^%{INT:x}$', 'no number')).toBeUndefined();
  });

  it('knows patterns of one’s own, one a line, which may refer to others and stand for a known name', () => {
    expect(valuesOf('%{ORDER:order} %{WORD:w}', 'O-17 abc', '# ours\nORDER O-%{DIGITS}\nDIGITS [0-9]+\nWORD [a-c]+')).toEqual([
      'O-17',
      'abc',
    ]);
  });

  it.each([
    ['SYSLOGBASE', 'Nov  3 04:05:06 host sshd[123]: hello', ['Nov  3 04:05:06', undefined, undefined, 'host', 'sshd', '123']],
    ['COMBINEDAPACHELOG', `${APACHE} "http://x/" "curl/8"`, undefined],
  ])('knows %s', (name, line, values) => {
    const found = valuesOf(`%{${name}}`, line);
    if (values === undefined) expect(found).toBeDefined();
    else expect(found).toEqual(values);
  });

  it.each([
    ['INT', '-42'],
    ['NUMBER', '3.5e-7'],
    ['BASE16NUM', '0xBEEF'],
    ['WORD', 'abc_1'],
    ['QS', '"a \\" b"'],
    ['UUID', '0199f3a2-1111-7abc-8def-0123456789ab'],
    ['MAC', '00:1B:44:11:3A:B7'],
    ['IP', '192.168.0.255'],
    ['IP', 'fe80::1ff:fe23:4567:890a'],
    ['HOSTNAME', 'db-1.example.org'],
    ['HOSTPORT', 'a.b:80'],
    ['UNIXPATH', '/var/log/x.log'],
    ['WINPATH', 'C:\\Users\\a b'],
    ['URI', 'https://u@example.org:8080/p/a?q=1'],
    ['EMAILADDRESS', 'a.b+c@example.org'],
    ['TIMESTAMP_ISO8601', '2026-11-20T01:02:03.456+01:00'],
    ['TIMESTAMP_ISO8601', '2026-11-20 01:02:03,456'],
    ['HTTPDATE', '10/Oct/2026:13:55:36 -0700'],
    ['SYSLOGTIMESTAMP', 'Nov 23 04:05:06'],
    ['DATE_US', '11/20/2026'],
    ['DATE_EU', '20.11.2026'],
    ['TIME', '23:59:60'],
    ['DATESTAMP_RFC2822', 'Fri, 20 Nov 2026 01:02:03 +0000'],
    ['LOGLEVEL', 'WARNING'],
    ['JAVACLASS', 'org.example.A$B'],
    ['TZ', 'CEST'],
    ['MONTH', 'February'],
    ['DAY', 'Fri'],
  ])('takes %s for what %s is', (name, text) => {
    expect(valuesOf(`^%{${name}:x}$`, text)).toEqual([text]);
  });

  it.each([
    ['IPV4', '256.1.1.1'],
    ['MONTHNUM', '13'],
    ['TIME', '24:00:00'],
    ['LOGLEVEL', 'loud'],
    ['UUID', '0199f3a2'],
    ['INT', '4.2'],
  ])('takes %s not for what %s is', (name, text) => {
    expect(valuesOf(`^%{${name}:x}$`, text)).toBeUndefined();
  });

  it('compiles each of the known names', () => {
    for (const name of Object.keys(GROK_PATTERNS)) expect(() => compileGrok(`%{${name}:whole}`, {})).not.toThrow();
  });

  it.each([
    ['%{NOSUCH:x}', 'no pattern NOSUCH'],
    ['%{INT:x:money}', 'has the type money'],
    ['%{INT:x:int} %{INT:x:long}', 'two types'],
    ['nothing', 'names no column'],
    ['%{INT:x} (?=a)', 'look ahead'],
    ['%{INT:x} (a', 'missing closing'],
    ['%{A:x}', 'without an end'],
    ['%{INT:x} ((a{0,1000}){0,1000}){0,1000}', 'pattern:'],
  ])('is refused: %s', (pattern, why) => {
    const custom = parseCustomPatterns('A %{B}\nB %{A}');
    expect(() => compileGrok(pattern, custom)).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining(why) as string }),
    );
  });

  it('takes time that no line can blow up', () => {
    const grok = compileGrok('^(?:(?:a|aa|a+)+)+%{INT:x}$', {});
    const started = performance.now();
    expect(grok.matches('a'.repeat(16_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('a grok classifier', () => {
  const options = {
    pattern: '^%{TIMESTAMP_ISO8601:at} %{LOGLEVEL:level} %{INT:ms:int} %{GREEDYDATA:text}$',
    classification: 'app-log',
  };
  const LINE = '2026-11-20T01:02:03Z INFO 17 hello, world\n';

  it('is sure of a file in which every line matches', async () => {
    const found = await classify(LINE.repeat(3), options);
    expect(found).toMatchObject({ confidence: 1, rows: 3n, format: { name: 'app-log', options: { grok: options.pattern } } });
    expect(found?.columns.map(({ name, type }) => `${name} ${formatType(type)}`)).toEqual([
      'at string',
      'level string',
      'ms int',
      'text string',
    ]);
  });

  it('is as sure as the share of lines that match, and knows nothing of a file in which most do not', async () => {
    expect((await classify(`${LINE}${LINE}${LINE}  at Some.stack(trace)\n`, options))?.confidence).toBe(0.75);
    expect(await classify(`${LINE}a\nb\nc\n`, options)).toBeUndefined();
    expect(await classify('\0\x01binary', options)).toBeUndefined();
    expect(await classify('\n\n', options)).toBeUndefined();
  });

  it('does not mind a line that the sample cuts, and counts no rows then', async () => {
    const limits = { ...CLASSIFY_LIMITS, sampleBytes: LINE.length * 2 + 5 };
    const found = await customClassifier(spec(options)).classify(sourceOf('a', LINE.repeat(9)), limits);
    expect([found?.confidence, found?.rows]).toEqual([1, undefined]);
  });

  it('cannot be called what the engine reads in its own way', () => {
    expect(() => customClassifier(spec({ ...options, classification: 'csv' }))).toThrow(/format of another kind/);
  });
});

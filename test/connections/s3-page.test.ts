import { describe, expect, it } from 'vitest';
import { readListPage } from '../../src/connections/s3-page.ts';

const ENTRY =
  '<Contents><Key>a%20b</Key><LastModified>2026-11-20T12:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>';
const END = '<IsTruncated>false</IsTruncated>';

const page = (inside: string) =>
  readListPage(Buffer.from(`<?xml version="1.0"?><ListBucketResult>${inside}</ListBucketResult>\n`), 'b');
const object = (key: string) => ({
  address: `s3://b/${key}`,
  key,
  size: 7,
  etag: 'e',
  modified: Date.parse('2026-11-20T12:00:00Z'),
});

describe('a page of a listing', () => {
  it('is read as it is written, encoded or not', () => {
    expect(page(`<EncodingType>url</EncodingType>${END}<KeyCount>1</KeyCount>${ENTRY}`)).toEqual({
      objects: [object('a b')],
      prefixes: [],
      next: undefined,
    });
    expect(page(`${END}${ENTRY}`).objects).toEqual([object('a%20b')]);
    const escaped = ENTRY.replace('a%20b', '&lt;a&gt;&amp;amp;&#x1F980;&#10;&apos;');
    expect(page(`${ENTRY}${escaped}${END}`).objects[1]).toEqual(object("<a>&amp;🦀\n'"));
    expect(page(`${END}<EncodingType>url</EncodingType>${ENTRY.replace('a%20b', 'a+b%2B%F0%9F%A6%80')}`).objects).toEqual([
      object('a b+🦀'),
    ]);
  });

  it('is read in whatever order its entries tell what they tell, with more than is used', () => {
    const owner = '<Owner><ID>x</ID><Key>not this</Key><None/></Owner>';
    const others = `<Contents>\n <Size>7</Size>${owner}<ETag>"e"</ETag><Odd a="b/"/>\n<LastModified>Fri, 20 Nov 2026 12:00:00 GMT</LastModified><Key>b</Key></Contents>`;
    expect(page(`${END}${ENTRY}\n  ${others}\n${ENTRY}<KeyCount>3</KeyCount>`).objects).toEqual([
      object('a%20b'),
      object('b'),
      object('a%20b'),
    ]);
    const seconds = ENTRY.replace('.000Z', 'Z').replaceAll('&quot;', '&#34;');
    expect(page(`${END}${seconds}`).objects).toEqual([object('a%20b')]);
    expect(page(`${END}${ENTRY.replaceAll('&quot;', '')}`).objects).toEqual([object('a%20b')]);
    expect(page(`${END}${ENTRY.replace('a%20b', 'a'.repeat(9_000))}`).objects).toEqual([object('a'.repeat(9_000))]);
  });

  it('says where the next one begins, wherever it says so', () => {
    const more = '<IsTruncated>true</IsTruncated>';
    expect(page(`${more}<NextContinuationToken>t&amp;t</NextContinuationToken>${ENTRY}`).next).toBe('t&t');
    expect(page(`${ENTRY}${more}<NextContinuationToken>t</NextContinuationToken>`).next).toBe('t');
  });

  it('has prefixes where a delimiter was asked for, together or each by itself', () => {
    const together = '<CommonPrefixes><Prefix>a+b%2F</Prefix><Prefix>c&amp;/</Prefix></CommonPrefixes>';
    const apart = '<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>';
    expect(page(`<EncodingType>url</EncodingType>${END}<KeyCount>3</KeyCount>${together}${apart}`).prefixes).toEqual([
      'a b/',
      'c&/',
      'd/',
    ]);
    expect(() => page(`${END}<KeyCount>2</KeyCount>${apart}`)).toThrow(/says that it has 2 keys, but has 1/);
    expect(() => page(`${END}<CommonPrefixes><Prefix>d/`)).toThrow(/breaks off/);
  });

  it('may be empty', () => {
    expect(page(END)).toEqual({ objects: [], prefixes: [], next: undefined });
    expect(page(`${END}<KeyCount>0</KeyCount>`)).toEqual({ objects: [], prefixes: [], next: undefined });
  });

  it('is refused wherever it is cut', () => {
    const whole = `<ListBucketResult>${ENTRY}${ENTRY}${END}</ListBucketResult>`;
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => readListPage(Buffer.from(whole.slice(0, length)), 'b'), String(length)).toThrow();
    }
  });

  it.each([
    ['that has fewer keys than it says', `${END}<KeyCount>2</KeyCount>${ENTRY}`],
    ['that has more keys than it says', `${END}<KeyCount>0</KeyCount>${ENTRY}`],
    ['that goes on, but not where', `<IsTruncated>true</IsTruncated>${ENTRY}`],
    ['that goes on at nothing', `<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>`],
    ['that does not say whether it goes on', ENTRY],
    ['with an entry without a key', `${END}${ENTRY.replace('<Key>a%20b</Key>', '')}`],
    ['with a size that is none', `${END}${ENTRY.replace('7', '-7')}`],
    ['with a time that is none', `${END}${ENTRY.replace('2026', 'twenty')}`],
    ['with a day that is none', `${END}${ENTRY.replace('11-20', '13-20')}`],
    ['with an hour that is none', `${END}${ENTRY.replace('12:00', '25:00')}`],
    ['with a size that is no number', `${END}${ENTRY.replace('7', '0x7')}`],
    ['with an entry within a key', `${END}${ENTRY.replace('a%20b', `a${ENTRY}`)}`],
    ['with an entry that is not closed', `${END}${ENTRY.replace('</Contents>', '')}`],
    ['with an entry that closes something else', `${END}${ENTRY.replace('</Size>', '</Sizes>')}`],
    ['with a key that is no UTF-8', `${END}<EncodingType>url</EncodingType>${ENTRY.replace('%20', '%FF')}`],
  ])('is refused when it is one %s', (_, inside) => {
    expect(() => page(inside)).toThrow(expect.objectContaining({ $retryable: expect.anything() }));
  });
});

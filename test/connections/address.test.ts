import { readdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileAddress, joinAddress, lastName, parseAddress, s3Address, s3AddressOfUrl } from '../../src/connections/address.ts';
import { compareBytes } from '../../src/connections/byte-order.ts';
import { HOSTILE_NAMES } from '../contract/object-store.ts';

const NAME = string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter(
  (name) => !/[/\0]/.test(name) && name !== '.' && name !== '..',
);

describe('addresses', () => {
  it('go there and back for any file and any key', () => {
    assert(
      property(array(NAME, { minLength: 1, maxLength: 5 }), (names) => {
        const path = names.join('/');
        expect(parseAddress(fileAddress(`/${path}`))).toEqual({ scheme: 'file', file: `/${path}` });
        expect(parseAddress(s3Address('bucket', path))).toEqual({ scheme: 's3', bucket: 'bucket', key: path });
        expect(joinAddress('file:///root', path)).toBe(fileAddress(`/root/${path}`));
        expect(lastName(joinAddress('s3://bucket', path))).toBe(names.at(-1));
      }),
    );
  });

  it('of S3 leave the key as it is', () => {
    expect(joinAddress('s3://lake/sales/', 'dt=2026-01-01 00%3A00/a?b#c')).toBe('s3://lake/sales/dt=2026-01-01 00%3A00/a?b#c');
    expect(parseAddress('s3a://lake/x')).toEqual({ scheme: 's3', bucket: 'lake', key: 'x' });
    expect(parseAddress('s3://lake')).toEqual({ scheme: 's3', bucket: 'lake', key: '' });
    expect(parseAddress('s3://lake//x/../y')).toEqual({ scheme: 's3', bucket: 'lake', key: '/x/../y' });
  });

  it('of a URL that a person typed mean what was typed', () => {
    for (const key of ['plain/x', 'a b/ü漢🦀', 'dt=1%3A2', 'x?y=1', 'x#y', '<a>`']) {
      expect(s3AddressOfUrl(new URL(`s3://lake/${key}`)), key).toBe(`s3://lake/${key}`);
    }
  });

  it.each([
    '',
    'lake/x',
    '/data',
    'http://lake/x',
    's3://',
    's3:///x',
    's3://-bad/x',
    's3://a b/x',
    's3://..%2f/x',
    'file://host/x',
    'file:///a%2Fb',
    'file:///%00',
  ])('refuse «%s»', (address) => {
    expect(() => parseAddress(address)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  });

  it('are not joined with what would leave their folder', () => {
    for (const path of ['../x', 'a/../../x', '..', 'a/./b']) {
      expect(() => joinAddress('file:///root', path), path).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    }
  });
});

describe('byte order', () => {
  it('is the order of UTF-8 bytes', () => {
    assert(
      property(string({ unit: 'binary' }), string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it('is that of the names on a disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenon-order-'));
    for (const name of HOSTILE_NAMES) await writeFile(join(folder, name), '');
    const names = (await readdir(folder, { encoding: 'buffer' })).sort(Buffer.compare).map(String);
    expect(names.toSorted(compareBytes)).toEqual(names);
    await rm(folder, { recursive: true });
  });
});

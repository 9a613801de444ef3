import { isAscii, isUtf8 } from 'node:buffer';
import type { Head } from './head.ts';

export interface Text {
  readonly text: string;
  readonly encoding: 'utf-8' | 'utf-16' | 'utf-16be' | 'latin-1' | 'windows-1252';
  readonly mark: boolean;
  /** Reads the same in UTF-8 and in Latin-1. */
  readonly ascii: boolean;
}

/**
 * Bytes as text: by their byte order mark, else UTF-16 where every other byte is zero, else UTF-8 if they are, else Latin-1 or what
 * Windows made of it.
 * Undefined for what is no text: a zero byte. A character that the end of the sample cuts is left out.
 */
export function decodeText(head: Head): Text | undefined {
  const { bytes } = head;
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return wide('utf-16le', 'utf-16', head);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return wide('utf-16be', 'utf-16be', head);
  if (bytes.includes(0)) return unmarked(head);
  const mark = startsWithMark(bytes);
  const text = decodeUtf8(head);
  if (text === undefined) return oneByte(bytes);
  return { text, encoding: 'utf-8', mark, ascii: text.length === bytes.length };
}

/**
 * One byte for each character. Latin-1 has control characters where Windows has quotes, dashes and the euro: one such byte, and it
 * is what Windows writes.
 */
function oneByte(bytes: Uint8Array): Text {
  const windows = bytes.some((byte) => byte >= 0x80 && byte < 0xa0);
  const encoding = windows ? 'windows-1252' : 'latin-1';
  const text = windows ? new TextDecoder(encoding).decode(bytes) : Buffer.from(bytes).toString('latin1');
  return { text, encoding, mark: false, ascii: false };
}

function startsWithMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function decodeUtf8(head: Head): string | undefined {
  const { bytes } = head;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Far faster than a decoder that is made for each file; what these two do not take is looked at by one.
  if (isAscii(buffer)) return buffer.toString('latin1');
  if (isUtf8(buffer)) return buffer.toString('utf8', startsWithMark(bytes) ? 3 : 0);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(head.bytes, { stream: !head.whole });
  } catch {
    return undefined;
  }
}

/** Latin letters in UTF-16 are easy to tell: so many pairs of a letter and a zero are no accident. */
const PAIRS = 8;

function unmarked(head: Head): Text | undefined {
  const { bytes } = head;
  const begin = bytes.subarray(0, PAIRS * 2);
  const zeros = (odd: number): boolean => begin.every((byte, i) => (byte === 0) === (i % 2 === odd));
  if (begin.length < PAIRS * 2) return undefined;
  if (zeros(1)) return wide('utf-16le', 'utf-16', head, false);
  return zeros(0) ? wide('utf-16be', 'utf-16be', head, false) : undefined;
}

function wide(label: 'utf-16le' | 'utf-16be', encoding: 'utf-16' | 'utf-16be', head: Head, mark = true): Text | undefined {
  const text = new TextDecoder(label).decode(head.bytes, { stream: !head.whole });
  return text.includes('\0') ? undefined : { text, encoding, mark, ascii: false };
}

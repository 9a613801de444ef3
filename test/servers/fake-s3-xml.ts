import type { FakeBucket, FakeObject } from './fake-s3-bucket.ts';

/** A page of ListObjectsV2. The continuation token is the last key, which S3's callers must not know. */
export function listXml(bucket: FakeBucket, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const max = Math.min(Number(query.get('max-keys') ?? 1_000), 1_000);
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const { objects, prefixes, last, truncated } = pageOf(bucket, { prefix, after, max, delimiter: query.get('delimiter') ?? '' });
  const write = query.get('encoding-type') === 'url' ? urlEncode : escapeXml;
  const contents = contentsOf(objects, write);
  const next = truncated ? Buffer.from(last).toString('base64url') : undefined;
  return [
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    `<Name>${bucket.name}</Name><Prefix>${write(prefix)}</Prefix><KeyCount>${objects.length + prefixes.length}</KeyCount><MaxKeys>${max}</MaxKeys>`,
    write === urlEncode ? '<EncodingType>url</EncodingType>' : '',
    `<IsTruncated>${truncated}</IsTruncated>${next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}`,
    contents,
    ...prefixes.map((folder) => `<CommonPrefixes><Prefix>${write(folder)}</Prefix></CommonPrefixes>`),
    '</ListBucketResult>',
  ].join('');
}

/** What two neighbours have in common is written once: a crawl of a million keys must not wait for who makes them up. */
function contentsOf(objects: readonly FakeObject[], write: (text: string) => string): string {
  let all = '';
  let folder = '';
  let written = '';
  let time: Date | undefined;
  let modified = '';
  for (const object of objects) {
    const { key, size, etag } = object;
    const end = key.lastIndexOf('/') + 1;
    if (end !== folder.length || !key.startsWith(folder)) {
      folder = key.slice(0, end);
      written = write(folder);
    }
    if (object.modified !== time) {
      time = object.modified;
      modified = time.toISOString();
    }
    const name = key.slice(end);
    all += `<Contents><Key>${written}${/^[\w.-]*$/.test(name) ? name : write(name)}</Key><LastModified>${modified}</LastModified><ETag>&quot;${etag}&quot;</ETag><Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
  }
  return all;
}

interface Asked {
  readonly prefix: string;
  readonly after: string;
  readonly max: number;
  readonly delimiter: string;
}

/** Greater than all that may follow in a key. */
const BEYOND = '\u{10FFFF}';

/** With a delimiter, what begins alike up to it is one entry, and the search jumps over it: a million keys cost nothing. */
function pageOf(
  bucket: FakeBucket,
  { prefix, after, max, delimiter }: Asked,
): { objects: FakeObject[]; prefixes: string[]; last: string; truncated: boolean } {
  if (delimiter === '') {
    const { objects, truncated } = bucket.list(prefix, after, max);
    return { objects, prefixes: [], last: objects.at(-1)?.key ?? '', truncated };
  }
  const objects: FakeObject[] = [];
  const prefixes: string[] = [];
  for (let last = after; ;) {
    const [next] = bucket.list(prefix, last, 1).objects;
    if (next === undefined) return { objects, prefixes, last, truncated: false };
    if (objects.length + prefixes.length === max) return { objects, prefixes, last, truncated: true };
    const end = next.key.indexOf(delimiter, prefix.length);
    if (end < 0) objects.push(next);
    else prefixes.push(next.key.slice(0, end + delimiter.length));
    last = end < 0 ? next.key : `${next.key.slice(0, end + delimiter.length)}${BEYOND}`;
  }
}

export function errorXml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
}

/** The contents of all tags of a name, unescaped. */
export function tagOf(xml: string, name: string): [string][] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, content = '']) => [unescapeXml(content)]);
}

function urlEncode(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', '+').replaceAll('%2F', '/');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function unescapeXml(text: string): string {
  return text
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

const HIDDEN = '***';

/**
 * Each rule hides what follows its first group. All are linear: the parts that repeat are bounded, or end at a character
 * that they cannot contain.
 */
const RULES: readonly (readonly [RegExp, string])[] = [
  // -----BEGIN RSA PRIVATE KEY----- …
  [/(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----)[^-]*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?/g, `$1${HIDDEN}`],
  // Authorization: Bearer …, Authorization: Basic …
  [/\b((?:bearer|basic)\s{1,8})[A-Za-z0-9._~+/=-]{8,}/gi, `$1${HIDDEN}`],
  // Our own tokens, and the key ids of AWS, wherever they stand.
  [/\b(tenon_)[A-Za-z0-9_-]{16,}/g, `$1${HIDDEN}`],
  [/\b(A(?:KIA|SIA))[A-Z0-9]{12,}/g, `$1${HIDDEN}`],
];

/** The last word of a name that holds a secret: `password`, `PGPASSWORD`, `aws_secret_access_key`, `X-Amz-Signature`. */
const SECRET_NAME =
  '[A-Za-z0-9_.-]{0,64}(?:passw(?:or)?d|pwd|passphrase|secret|secret[_-]?access[_-]?key|secret[_-]?key|private[_-]?key|api[_-]?key|access[_-]?key[_-]?id|account[_-]?key|token|signature|x-amz-credential)';

/** `name=value`, `name: value`, `"name":"value"`, and values in quotes that may hold spaces and escaped quotes. */
const ASSIGNED = new RegExp(
  `(?<![A-Za-z0-9])(${SECRET_NAME}["']?\\s{0,8}[=:]\\s{0,8})(?:"(?:[^"\\\\]|\\\\.)*"?|'(?:[^'\\\\]|\\\\.|'')*'?|(?!bearer\\s|basic\\s)[^\\s,;&"'}\\])]+)`,
  'gi',
);

const URL_SECRET = /([A-Za-z][A-Za-z0-9+.-]{0,32}:\/\/[^\s/:@]{0,256}:)([^\s]{0,4096})@/g;

/**
 * Hides what looks like a credential: passwords in URLs, `password=…` and its kin, bearer tokens, Tenon's tokens, AWS keys,
 * signed query parameters and private keys. Rather hides too much than too little: a password in a URL is taken to reach
 * to the last `@` before a space. It is the last net, for texts of others (a driver's error, a log line); what is known to
 * be a secret is never put into a text in the first place.
 */
export function redact(text: string): string {
  let result = text.includes('@') ? text.replaceAll(URL_SECRET, hideInUrl) : text;
  for (const [pattern, replacement] of RULES) result = result.replaceAll(pattern, replacement);
  return result.replaceAll(ASSIGNED, `$1${HIDDEN}`);
}

/** `http://host:9000/folder@home` has a port, not a password. */
function hideInUrl(whole: string, before: string, secret: string): string {
  return /^\d{1,5}\//.test(secret) ? whole : `${before}${HIDDEN}@`;
}

/** A JSON value with its numbers as they were written: `1` and `1.0` differ, and no digit is lost. */
export type JsonNode =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, JsonNode> };

/** What is wrong, and at which character. `cut`: the text ended too early, which is no fault of a sample. */
export class JsonFault extends Error {
  readonly at: number;
  readonly cut: boolean;

  constructor(problem: string, at: number, cut: boolean) {
    super(problem);
    this.at = at;
    this.cut = cut;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\[^])*"/y;
const NULL: JsonNode = { kind: 'null' };
const BOOLEAN: JsonNode = { kind: 'boolean' };

/** Reads one value after another from a text, and throws JsonFault where there is none. */
export class JsonReader {
  at = 0;
  private readonly text: string;
  private readonly maxDepth: number;

  constructor(text: string, maxDepth: number) {
    this.text = text;
    this.maxDepth = maxDepth;
  }

  /** The next character that is no space, or undefined at the end. */
  peek(): string | undefined {
    let { at } = this;
    for (;;) {
      const code = this.text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
      at += 1;
    }
    this.at = at;
    return this.text[at];
  }

  skip(sign: string): boolean {
    if (this.peek() !== sign) return false;
    this.at += 1;
    return true;
  }

  value(depth = 0): JsonNode {
    if (depth > this.maxDepth) throw new JsonFault(`is nested deeper than ${this.maxDepth} levels`, this.at, false);
    const sign = this.peek();
    if (sign === '{') return this.object(depth);
    if (sign === '[') return this.array(depth);
    if (sign === '"') return { kind: 'string', text: this.string() };
    if (sign === 't') return this.word('true', BOOLEAN);
    if (sign === 'f') return this.word('false', BOOLEAN);
    if (sign === 'n') return this.word('null', NULL);
    return this.number();
  }

  private object(depth: number): JsonNode {
    const fields = new Map<string, JsonNode>();
    this.at += 1;
    if (this.skip('}')) return { kind: 'object', fields };
    do {
      if (this.peek() !== '"') throw this.fault('lacks the name of a field');
      const name = this.string();
      if (fields.has(name)) throw new JsonFault(`has the field «${name.slice(0, 100)}» twice in one object`, this.at, false);
      this.expect(':');
      fields.set(name, this.value(depth + 1));
    } while (this.skip(','));
    this.expect('}');
    return { kind: 'object', fields };
  }

  private array(depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.at += 1;
    if (this.skip(']')) return { kind: 'array', items };
    do items.push(this.value(depth + 1));
    while (this.skip(','));
    this.expect(']');
    return { kind: 'array', items };
  }

  private string(): string {
    const plain = this.plainString();
    if (plain !== undefined) return plain;
    STRING.lastIndex = this.at;
    const match = STRING.exec(this.text);
    if (match === null) throw new JsonFault('has a text without an end', this.at, true);
    const start = this.at;
    this.at = STRING.lastIndex;
    if (!match[0].includes('\\') && !/\p{Cc}/u.test(match[0])) return match[0].slice(1, -1);
    try {
      return String(JSON.parse(match[0]));
    } catch {
      throw new JsonFault('has a text with a character that must be escaped', start, false);
    }
  }

  /** A text without escapes, which most are: found without a pattern. Undefined for any other, and at the same place then. */
  private plainString(): string | undefined {
    const { text } = this;
    for (let end = this.at + 1; end < text.length; end += 1) {
      const code = text.charCodeAt(end);
      if (code === 0x22) {
        const found = text.slice(this.at + 1, end);
        this.at = end + 1;
        return found;
      }
      // Escapes, and control characters, of which some are no JSON.
      if (code === 0x5c || code < 0x20 || (code >= 0x7f && code < 0xa0)) return undefined;
    }
    return undefined;
  }

  private number(): JsonNode {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw this.fault('lacks a value');
    this.at = NUMBER.lastIndex;
    if (this.at === this.text.length) return { kind: 'number', text: match[0] };
    if (/[\w.+-]/.test(this.text[this.at] ?? '')) throw this.fault('has a malformed number');
    return { kind: 'number', text: match[0] };
  }

  private word(word: string, node: JsonNode): JsonNode {
    if (!this.text.startsWith(word, this.at))
      throw new JsonFault('has an unknown word', this.at, this.text.length - this.at < word.length);
    this.at += word.length;
    return node;
  }

  private expect(sign: string): void {
    if (!this.skip(sign)) throw this.fault(`lacks «${sign}»`);
  }

  private fault(problem: string): JsonFault {
    return new JsonFault(problem, this.at, this.at >= this.text.length);
  }
}

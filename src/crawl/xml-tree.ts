import { SaxesParser } from 'saxes';

/** An element with all that is in it, as far as the text goes. */
export interface XmlNode {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly children: XmlNode[];
  text: string;
  /** Its end was seen: only then is it whole. */
  closed: boolean;
}

export interface XmlTree {
  /** Undefined where the text ends before the first element begins. */
  readonly root: XmlNode | undefined;
  /** The text ended, or there were too many elements, before the root was closed. */
  readonly cut: boolean;
}

/** What is wrong, and on which line. `deep`: it is only nested too deeply. */
export class XmlFault extends Error {
  readonly deep: boolean;

  constructor(problem: string, deep = false) {
    super(problem);
    this.deep = deep;
  }
}

/** More elements than a sample needs; each costs memory many times its text. */
const MAX_NODES = 200_000;

class Enough extends Error {}

/**
 * Reads a text as XML. Entities that a document defines for itself are not known here, so none can grow; one that is used
 * is a fault. Throws XmlFault. Without `whole` the text may end anywhere.
 */
export function readXml(text: string, whole: boolean, maxDepth: number): XmlTree {
  const parser = new SaxesParser();
  const open: XmlNode[] = [];
  let root: XmlNode | undefined;
  let nodes = 0;
  parser.on('error', ({ message }) => {
    throw new XmlFault(`is no well-formed XML (line:column: ${message.slice(0, 200)})`);
  });
  parser.on('opentag', ({ name, attributes }) => {
    nodes += 1;
    if (nodes > MAX_NODES) throw new Enough();
    if (open.length >= maxDepth) throw new XmlFault(`is nested deeper than ${maxDepth} levels on line ${parser.line}`, true);
    // What a prefix stands for is no value of the element.
    const own = Object.entries(attributes).filter(([key]) => !/^xmlns(?::|$)/.test(key));
    const node: XmlNode = { name, attributes: own, children: [], text: '', closed: false };
    open.at(-1)?.children.push(node);
    root ??= node;
    open.push(node);
  });
  parser.on('closetag', () => {
    const node = open.pop();
    if (node !== undefined) node.closed = true;
  });
  const onText = (part: string): void => {
    const node = open.at(-1);
    if (node !== undefined) node.text += part;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  try {
    parser.write(text);
    if (whole) parser.close();
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  return { root, cut: root?.closed !== true };
}

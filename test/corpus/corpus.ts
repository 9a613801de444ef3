import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A word with `|` between alternatives, `*` for any, something nested, or several readings. See README.md beside this. */
export type LabelType =
  | string
  | readonly LabelType[]
  | { readonly struct: Readonly<Record<string, LabelType>> }
  | { readonly array: LabelType }
  | { readonly map: LabelType };

export interface Label {
  readonly format: 'csv' | 'json' | 'none' | 'error';
  readonly delimiter?: string;
  readonly quote?: string;
  readonly header?: boolean | 'any';
  readonly skip?: number;
  readonly encoding?: string;
  readonly rows?: number;
  readonly columns: readonly { readonly name: string; readonly type: LabelType }[];
  readonly why?: string;
}

export interface CorpusFile {
  readonly name: string;
  readonly path: string;
  readonly label: Label;
  readonly heldOut: boolean;
}

const FOLDER = join(import.meta.dirname, 'files');
const SUFFIX = '.label.json';

export function corpus(folder: string = FOLDER): CorpusFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(SUFFIX));
  return names.map((labelName) => {
    const name = labelName.slice(0, -SUFFIX.length);
    const label = JSON.parse(readFileSync(join(folder, labelName), 'utf8')) as Label;
    return { name, path: join(folder, name), label, heldOut: isHeldOut(name) };
  });
}

/** A third of all names, chosen by nobody. */
function isHeldOut(name: string): boolean {
  return (createHash('sha256').update(name).digest()[0] ?? 0) % 3 === 0;
}

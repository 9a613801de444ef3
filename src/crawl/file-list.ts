import { ManifestWriter, readContent } from '../catalog/manifest-content.ts';
import { hashContent, hashManifest, packContent, packManifest } from '../catalog/manifests.ts';
import type { ManifestFile, PackedManifest } from '../model/table.ts';

/** Of lists that are closed: a lake has a hundred thousand small ones, and few are open at the same time. */
const idle: ManifestWriter[] = [];
const MOST_IDLE = 16;

/** The files of a layout, written as their manifest has them while they come, so that a million files are no million objects. */
export class FileList {
  count = 0;
  private writer: ManifestWriter | undefined;
  private content: Buffer | undefined;
  private isInOrder = true;
  private bytes = 0n;

  add(address: string, file: Omit<ManifestFile, 'address'>): void {
    this.writer ??= this.open();
    this.writer.add(address, file);
    this.count += 1;
  }

  private open(): ManifestWriter {
    const writer = idle.pop() ?? new ManifestWriter();
    for (const file of this.all()) writer.add(file.address, file);
    this.content = undefined;
    return writer;
  }

  /** There are no more for now. */
  close(): Buffer {
    const { writer } = this;
    if (writer === undefined) return (this.content ??= new ManifestWriter().content());
    this.content = writer.content();
    [this.isInOrder, this.bytes] = [writer.isInOrder, writer.sum()];
    writer.begin();
    if (idle.length < MOST_IDLE) idle.push(writer);
    this.writer = undefined;
    return this.content;
  }

  all(): ManifestFile[] {
    return this.count === 0 ? [] : readContent(this.close().subarray(1));
  }

  hash(): string {
    const content = this.close();
    return this.isInOrder ? hashContent(content) : hashManifest(this.all());
  }

  pack(): PackedManifest {
    const content = this.close();
    return this.isInOrder ? packContent(content, { files: this.count, bytes: this.bytes }) : packManifest(this.all());
  }
}

/** The hash that one manifest for all would have. */
export function hashFiles(lists: readonly FileList[]): string {
  const [only, ...others] = lists;
  return only !== undefined && others.length === 0 ? only.hash() : hashManifest(lists.flatMap((list) => list.all()));
}

/** One manifest for all, without the files at some addresses. */
export function packFiles(lists: readonly FileList[], without?: ReadonlySet<string>): PackedManifest {
  const [only, ...others] = lists;
  if (only !== undefined && others.length === 0 && without === undefined) return only.pack();
  const files = lists.flatMap((list) => list.all());
  return packManifest(without === undefined ? files : files.filter((file) => !without.has(file.address)));
}

/**
 * Marks a place at which a crash would hurt. A no-op in production: only the kill tests set a hook, from a module that
 * they preload. The labels stand in one list so that those tests can walk it.
 */
export const LABELS = [
  'migrate.before-commit',
  'crawl.table-closed',
  'crawl.before-save',
  'crawl.after-save',
  'crawl.before-end',
  'publish.after-write',
  'publish.after-upload',
  'publish.before-commit',
  'publish.after-commit',
  'bookmark.before-advance',
  'follow.before-apply',
  'follow.before-cursor',
] as const;

export type Label = (typeof LABELS)[number];

let hook: ((label: Label) => void) | undefined;

export function reached(label: Label): void {
  hook?.(label);
}

/** For tests. Returns a function that takes the hook away again. */
export function onReached(fn: (label: Label) => void): () => void {
  hook = fn;
  return () => {
    hook = undefined;
  };
}

import type { Label } from '../src/model/reached.ts';

/** What is under way when the process is killed. */
export type Scene = 'first start' | 'crawl' | 'job';

/**
 * Every label at which `reached(label)` is called, with the scene in which a test kills the process there. That the list
 * is whole is checked twice: by its type against the labels, and by a test against the source.
 */
export const FAULTS: Readonly<Record<Label, { readonly scene: Scene; readonly means: string }>> = {
  'migrate.before-commit': { scene: 'first start', means: 'the migrations have run, their transaction has not ended' },
  'crawl.table-closed': { scene: 'crawl', means: 'a table is known whole, nothing of it is saved' },
  'crawl.before-save': { scene: 'crawl', means: 'findings wait for their transaction' },
  'crawl.after-save': { scene: 'crawl', means: 'findings and checkpoint are saved, the crawl goes on' },
  'crawl.before-end': { scene: 'crawl', means: 'all is saved, the run has not ended' },
  'publish.after-write': { scene: 'job', means: 'the engine has written its files' },
  'publish.after-upload': { scene: 'job', means: 'the files are where they will be read' },
  'publish.before-commit': { scene: 'job', means: 'everything is in the transaction, which has not ended' },
  'publish.after-commit': { scene: 'job', means: 'the outputs are visible, nobody was told' },
  'bookmark.before-advance': { scene: 'job', means: 'the outputs are in the transaction, the bookmark is not' },
  'follow.before-apply': { scene: 'crawl', means: 'changes are read, the index is as before' },
  'follow.before-cursor': { scene: 'crawl', means: 'the index is written, the cursor has not moved' },
};

import type { ErrorCode } from '../model/errors.ts';
import type { Classification, ClassifyLimits } from './classifier.ts';
import type { Action } from './delta-checkpoint.ts';
import type { ClassifierSpec } from './classifier-kind.ts';

/** What a parser is told: which file to look at, and the bytes that it has asked for. One file at a time. */
export type ToParser =
  | {
      readonly kind: 'classify';
      readonly path: string;
      readonly size: number;
      readonly limits: ClassifyLimits;
      readonly custom: readonly ClassifierSpec[];
    }
  /** The checkpoint of a Delta log, whole. */
  | { readonly kind: 'checkpoint'; readonly path: string; readonly size: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** The source could not be read; why is known to who has asked. */
  | { readonly kind: 'unread' };

export type FromParser =
  /** It has started. Until then no file's time runs. */
  | { readonly kind: 'ready' }
  /** It holds much memory, and is not to be given another file after this one; its answer follows. */
  | { readonly kind: 'worn' }
  | { readonly kind: 'read'; readonly start: number; readonly end: number }
  /** `again`: it says how it reads under other formats, which cannot be sent. */
  | { readonly kind: 'found'; readonly found: Omit<Classification, 'as'> | undefined; readonly again: boolean }
  | { readonly kind: 'actions'; readonly actions: readonly Action[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly details: Record<string, unknown> };

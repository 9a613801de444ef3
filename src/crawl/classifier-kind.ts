import type { z } from 'zod';
import { TenonError } from '../model/errors.ts';
import type { Classifier } from './classifier.ts';

/** A kind of custom classifier: what its definitions say, and the classifier that follows them. One file in `custom/` for each. */
export interface ClassifierKind<Options = unknown> {
  readonly kind: string;
  /** Reads the options of a definition. Throws BAD_INPUT that names every mistake. */
  parse(raw: unknown): Options;
  /** Is sure of what it knows (1), so that it wins over all that come after it. Its name stands in its errors. */
  classifier(name: string, options: Options): Classifier;
}

/** Plain data, so that it can go to another process. */
export interface ClassifierSpec {
  readonly name: string;
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Throws BAD_INPUT that names every mistake. */
export function parseClassifierShape<T>(shape: z.ZodType<T>, raw: unknown): T {
  const parsed = shape.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw badOptions(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`));
}

export function badOptions(mistakes: readonly string[]): TenonError {
  return new TenonError('BAD_INPUT', `The classifier’s options are not right. ${mistakes.join('; ')}.`, { mistakes });
}

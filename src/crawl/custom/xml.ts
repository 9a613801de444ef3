import { z } from 'zod';
import { TenonError } from '../../model/errors.ts';
import { parseClassifierShape, type ClassifierKind } from '../classifier-kind.ts';
import { classifyXml } from '../classifiers/xml.ts';

const SHAPE = z.strictObject({
  /** The name of the elements that are rows. */
  rowTag: z.string().regex(/^[\p{L}_:][\p{L}\p{N}_:.-]{0,254}$/u, 'must be the name of an element'),
});

type XmlOptions = z.output<typeof SHAPE>;

/** XML in which somebody says which element is a row. */
export const xmlKind: ClassifierKind<XmlOptions> = {
  kind: 'xml',
  parse: (raw) => parseClassifierShape(SHAPE, raw),
  classifier: (_name, { rowTag }) => ({
    format: 'xml',
    async classify(source, limits) {
      try {
        return await classifyXml(source, limits, rowTag);
      } catch (error) {
        // What has no such row is for the next classifier, and so is what is broken: the built-in one says how.
        if (error instanceof TenonError && error.code === 'DATA_UNREADABLE') return undefined;
        throw error;
      }
    },
  }),
};

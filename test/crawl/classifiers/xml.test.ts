import { join } from 'node:path';
import { xmlClassifier } from '../../../src/crawl/classifiers/xml.ts';
import { describeClassifier } from '../../contract/classifier.ts';

describeClassifier({
  classifier: xmlClassifier,
  fixtures: join(import.meta.dirname, '../../fixtures/xml'),
  readBack: { impossible: 'DuckDB does not read XML' },
});

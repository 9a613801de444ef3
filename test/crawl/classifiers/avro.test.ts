import { join } from 'node:path';
import { avroClassifier } from '../../../src/crawl/classifiers/avro.ts';
import { describeClassifier } from '../../contract/classifier.ts';

describeClassifier({
  classifier: avroClassifier,
  fixtures: join(import.meta.dirname, '../../fixtures/avro'),
  readBack: {
    impossible: 'DuckDB reads Avro by an extension that is not built in; fastavro wrote the files and counted their rows',
  },
});

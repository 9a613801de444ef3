import { join } from 'node:path';
import { orcClassifier } from '../../../src/crawl/classifiers/orc.ts';
import { describeClassifier } from '../../contract/classifier.ts';

describeClassifier({
  classifier: orcClassifier,
  fixtures: join(import.meta.dirname, '../../fixtures/orc'),
  readBack: { impossible: 'DuckDB does not read ORC; pyorc and pyarrow wrote the files and counted their rows' },
});

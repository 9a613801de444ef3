import { join } from 'node:path';
import { csvClassifier } from '../../../src/crawl/classifiers/csv.ts';
import { describeClassifier } from '../../contract/classifier.ts';
import { readBack } from '../read-back.ts';

describeClassifier({ classifier: csvClassifier, fixtures: join(import.meta.dirname, '../../fixtures/csv'), readBack });

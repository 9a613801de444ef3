import { join } from 'node:path';
import { jsonClassifier } from '../../../src/crawl/classifiers/json.ts';
import { describeClassifier } from '../../contract/classifier.ts';
import { readBack } from '../read-back.ts';

describeClassifier({ classifier: jsonClassifier, fixtures: join(import.meta.dirname, '../../fixtures/json'), readBack });

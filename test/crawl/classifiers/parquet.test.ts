import { join } from 'node:path';
import { parquetClassifier } from '../../../src/crawl/classifiers/parquet.ts';
import { describeClassifier } from '../../contract/classifier.ts';
import { readBack } from '../read-back.ts';

describeClassifier({ classifier: parquetClassifier, fixtures: join(import.meta.dirname, '../../fixtures/parquet'), readBack });

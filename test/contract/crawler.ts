// The suite is part of the package, so that crawlers in packages of their own run the same.
export { crawlAll, describeCrawler, isComplete, objectsOf, seen } from '../../src/plugin/testing.ts';
export type { Crawled } from '../../src/plugin/testing.ts';

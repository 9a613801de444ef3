import { glueCrawlCost, PRICES, s3RequestCost } from './glue-price.ts';
import type { Bill } from './report.ts';

/** What a crawl has cost, as its run tells it. */
export function billOf(spent: Bill, seconds: number, isS3: boolean): Record<string, unknown> {
  return {
    ...spent,
    seconds,
    // By list prices, which `glue-price.ts` writes down.
    ...(isS3 && { usd: s3RequestCost(spent) }),
    glue: {
      ...glueCrawlCost(seconds),
      assumes: `${PRICES.crawlerDpus} DPUs at $${PRICES.dpuHour} an hour, ${PRICES.crawlerMinimumSeconds / 60} minutes at least, and no longer than this crawl`,
    },
  };
}

/**
 * What the same work would cost on AWS Glue and S3, by list prices of us-east-1 in US dollars. They are assumptions, written
 * down here and nowhere else: prices change, and nobody is billed by these figures.
 */
export const PRICES = {
  /** Of one DPU for an hour: crawlers, and jobs of the standard class. */
  dpuHour: 0.44,
  /** A crawler's run is billed for ten minutes at least. */
  crawlerMinimumSeconds: 600,
  /** AWS does not say how many DPUs a crawler takes; its own price example has two. */
  crawlerDpus: 2,
  /** S3 standard: 1,000 LIST requests. */
  thousandLists: 0.005,
  /** S3 standard: 1,000 GET requests. */
  thousandGets: 0.0004,
} as const;

export interface DpuWork {
  readonly dpus: number;
  readonly seconds: number;
  /** What is billed at least. */
  readonly minimumSeconds?: number;
}

/** Glue bills by the second above the minimum. */
export function dpuCost({ dpus, seconds, minimumSeconds = 60 }: DpuWork): { dpuHours: number; usd: number } {
  const dpuHours = (dpus * Math.max(seconds, minimumSeconds)) / 3_600;
  return { dpuHours: rounded(dpuHours), usd: rounded(dpuHours * PRICES.dpuHour) };
}

/**
 * What a crawl of so many seconds would cost on Glue, if Glue took no longer. S3's requests come on top on both sides; Glue's
 * listing of everything, each time, is not counted.
 */
export function glueCrawlCost(seconds: number): { dpuHours: number; usd: number } {
  return dpuCost({ dpus: PRICES.crawlerDpus, seconds, minimumSeconds: PRICES.crawlerMinimumSeconds });
}

export function s3RequestCost({ lists, gets }: { readonly lists: number; readonly gets: number }): number {
  return rounded((lists * PRICES.thousandLists + gets * PRICES.thousandGets) / 1_000);
}

/** To a millionth: a LIST costs five of them. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

import { describe, expect, it } from 'vitest';
import { dpuCost, glueCrawlCost, s3RequestCost } from '../../src/crawl/glue-price.ts';

describe('what work costs on Glue', () => {
  it('is what AWS computes in its own examples', () => {
    expect(dpuCost({ dpus: 6, seconds: 15 * 60 })).toEqual({ dpuHours: 1.5, usd: 0.66 });
    expect(dpuCost({ dpus: 5, seconds: 24 * 60 })).toEqual({ dpuHours: 2, usd: 0.88 });
  });

  it('is never less than the minimum', () => {
    expect(dpuCost({ dpus: 6, seconds: 3 }).usd).toBe(0.044);
    expect(dpuCost({ dpus: 6, seconds: 60 }).usd).toBe(0.044);
    expect(glueCrawlCost(0.2)).toEqual({ dpuHours: 0.333333, usd: 0.146667 });
    expect(glueCrawlCost(600).usd).toBe(0.146667);
    // Half an hour with two DPUs: one DPU-hour.
    expect(glueCrawlCost(1_800)).toEqual({ dpuHours: 1, usd: 0.44 });
  });

  it('leaves out the requests to S3, which cost the same whoever makes them', () => {
    expect(s3RequestCost({ lists: 1_000, gets: 10_000 })).toBe(0.009);
    expect(s3RequestCost({ lists: 1, gets: 0 })).toBe(0.000005);
    expect(s3RequestCost({ lists: 0, gets: 0 })).toBe(0);
  });
});

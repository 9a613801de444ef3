import { sizeText } from './output.ts';

/** What a crawl has cost, as its run says it. */
export interface BillAnswer {
  readonly lists?: number;
  readonly gets?: number;
  readonly bytes?: number;
  readonly queries?: number;
  readonly rows?: number;
  readonly capacityUnits?: number;
  readonly seconds?: number;
  readonly usd?: number;
  readonly glue?: { readonly usd: number; readonly dpuHours: number; readonly assumes: string };
}

/** Two lines for people: what was done, and what it would have been on Glue. */
export function billText({ lists = 0, gets = 0, bytes = 0, queries = 0, rows = 0, seconds = 0, ...bill }: BillAnswer): string {
  const parts = [
    `${lists} listings`,
    `${gets} reads`,
    sizeText(bytes),
    `${queries} queries`,
    ...rowsText(rows, bill.capacityUnits ?? 0),
    `${seconds.toFixed(1)} s`,
    ...(bill.usd === undefined ? [] : [`$${bill.usd.toFixed(6)} of S3 requests by list price`]),
  ];
  const { glue } = bill;
  const onGlue = glue === undefined ? '' : `\non Glue: $${glue.usd.toFixed(2)} (${glue.assumes})`;
  return `cost: ${parts.join(', ')}${onGlue}`;
}

/** Of sources that are paid by what is read. */
function rowsText(rows: number, capacityUnits: number): string[] {
  if (capacityUnits > 0) return [`${rows} items for ${capacityUnits} read units`];
  return rows > 0 ? [`${rows} rows`] : [];
}

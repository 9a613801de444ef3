import { fileURLToPath } from 'node:url';
import { FILES, type Lake } from './lake.ts';
import { node, output } from './measure.ts';
import { PEER_ENV, peerCommand, PEERS, type Peer } from './peers.ts';

/** What one side found, and what it took for it. */
export interface Measured {
  readonly objects?: number;
  readonly ms: number;
  readonly cpuMs: number;
  /** Of the database server of a crawl. */
  readonly postgresCpuMs?: number;
  readonly peakMb: number;
  readonly lists: number;
  readonly others: number;
}

interface Answer extends Omit<Measured, 'lists' | 'others'> {
  readonly wrote?: boolean;
  /** What a crawl put into the catalog. */
  readonly inventory?: unknown;
  /** What a peer says that there is. */
  readonly tables?: readonly { readonly name: string; readonly columns?: readonly string[] }[];
  readonly partitions?: number;
}

export type Inventory = 'listing' | 'footers';

const SIDE = fileURLToPath(new URL('crawl-side.js', import.meta.url));
const COLUMNS = ['id,url,at', 'id,email,amount,quantity', 'visitor,seconds,country'];
const peer = peerCommand();

/** Of ours, of the SDK, and of those peers that read the format. */
export function sidesOf({ format }: Lake): string[] {
  const peers = peer === undefined ? [] : PEERS.filter((one) => one !== 'awswrangler' || format === 'parquet');
  return ['scanner', 'sdk', ...peers, 'crawl', 'recrawl'];
}

/** Runs a side in a process of its own, and fails where it did not find what is there. */
export async function runSide(side: string, lake: Lake, dataDir: string, inventory: Inventory): Promise<Measured> {
  const env = {
    AWS_ENDPOINT_URL_S3: lake.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const isPeer = (PEERS as readonly string[]).includes(side);
  const command = isPeer ? peer?.(side as Peer, lake.format) : undefined;
  await lake.counts();
  const text =
    command === undefined
      ? await node([SIDE, side, dataDir, inventory], env)
      : await output(command.command, command.args, { ...env, ...PEER_ENV });
  const answer = JSON.parse(text.trim().split('\n').at(-1) ?? '') as Answer;
  const counts = await lake.counts();
  if (process.env['VERBOSE'] !== undefined) console.error(side, JSON.stringify({ ...answer, ...counts }));
  if (isPeer) checkPeer(side, answer, lake);
  else checkOwn(side, { ...answer, ...counts }, lake, inventory);
  return { ...answer, ...counts };
}

/** Tables and partitions as they are. Columns are left to the peer: one that reads a single file misses those of the odd ones. */
function checkPeer(side: string, { objects, tables, partitions }: Answer, lake: Lake): void {
  const same = tables?.map(({ name }) => name).join() === lake.tables.map(({ name }) => name).join();
  if (same && partitions === lake.partitions && (objects ?? lake.objects) === lake.objects) return;
  throw new Error(`${side} found ${objects} objects, ${partitions} partitions and ${JSON.stringify(tables)}.`);
}

function checkOwn(side: string, answer: Answer & Measured, lake: Lake, inventory: Inventory): void {
  if (answer.objects !== lake.objects) throw new Error(`${side} found ${answer.objects} objects.`);
  if (side === 'crawl' || side === 'recrawl') checkCatalog(answer, lake, inventory);
  if (side === 'recrawl' && (answer.wrote === true || answer.others > 0))
    throw new Error(`A crawl that found nothing new wrote (${answer.wrote}) or read ${answer.others} objects.`);
}

/** The catalog holds exactly what the lake was made of. */
function checkCatalog({ inventory: got }: Answer, lake: Lake, inventory: Inventory): void {
  const expected = lake.tables.map(({ name, partitions: count, odd }, i) => ({
    name,
    columns: `${COLUMNS[i]}${odd > 0 ? ',extra' : ''}`,
    partitions: count,
    files: count * FILES,
    bytes: String(lake.bytesOf(name)),
    rows: inventory === 'footers' ? String(count * FILES * 1_000) : 'undefined',
    odd,
  }));
  if (JSON.stringify(got) === JSON.stringify(expected)) return;
  throw new Error(`The catalog has ${JSON.stringify(got)} instead of ${JSON.stringify(expected)}.`);
}

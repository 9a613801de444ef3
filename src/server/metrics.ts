import { sql } from 'drizzle-orm';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { latestPosition } from '../changes/list.ts';
import { listFollowers } from '../changes/follow.ts';
import type { Tenon } from '../tenon.ts';

export interface Metrics {
  readonly registry: Registry;
  /** Seconds, by method, route and status. */
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  readonly graphqlErrors: Counter<'code'>;
}

/** What Prometheus reads. Names and counts only: nothing of what is in the catalog, so no token is asked for. */
export function createMetrics(tenon: Tenon): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const { db } = tenon.ground;
  // The delay of the event loop is sampled by a timer: at its preset of 10 ms an idle server is never idle.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1_000 });
  gauge(registry, 'tenon_tables', 'Tables in the catalog', [], async (set) => {
    const { rows } = await db.execute<{ tables: string }>(sql`select count(*) as tables from tables where ended is null`);
    set({}, Number(rows[0]?.tables ?? 0));
  });
  gauge(registry, 'tenon_follower_lag', 'Positions of the log that a follower has not seen yet', ['follower'], async (set) => {
    const head = await latestPosition(db);
    for (const { name, cursor } of await listFollowers(db)) set({ follower: name }, Number(head - cursor));
  });
  gauge(registry, 'tenon_runs', 'Runs by kind and state', ['kind', 'state'], async (set) => {
    const { rows } = await db.execute<{ kind: string; state: string; n: string }>(
      sql`select kind, state, count(*) as n from runs group by 1, 2`,
    );
    for (const { kind, state, n } of rows) set({ kind, state }, Number(n));
  });
  gauge(registry, 'tenon_database_connections', 'Connections of the pool', ['state'], async (set) => {
    set({ state: 'open' }, tenon.pool.totalCount);
    set({ state: 'idle' }, tenon.pool.idleCount);
    set({ state: 'waiting' }, tenon.pool.waitingCount);
  });
  return {
    registry,
    requests: new Histogram({
      name: 'tenon_http_request_seconds',
      help: 'Time to answer a request',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    graphqlErrors: new Counter({
      name: 'tenon_graphql_errors_total',
      help: 'Errors in GraphQL answers',
      labelNames: ['code'],
      registers,
    }),
  };
}

/** A gauge that is read when it is asked for: each reads its own, because they are all asked at the same time. */
function gauge<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: Label[],
  read: (set: (labels: Partial<Record<Label, string>>, value: number) => void) => Promise<void>,
): void {
  const made: Gauge<Label> = new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      made.reset();
      await read((labels, value) => made.set(labels, value));
    },
  });
}

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
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const lag = new Gauge({
    name: 'tenon_follower_lag',
    help: 'Positions of the log that a follower has not seen yet',
    labelNames: ['follower'],
    registers,
  });
  const runs = new Gauge({ name: 'tenon_runs', help: 'Runs by kind and state', labelNames: ['kind', 'state'], registers });
  const pool = new Gauge({
    name: 'tenon_database_connections',
    help: 'Connections of the pool',
    labelNames: ['state'],
    registers,
  });
  const read = new Gauge({
    name: 'tenon_tables',
    help: 'Tables in the catalog',
    registers,
    async collect() {
      const { db } = tenon.ground;
      const { rows } = await db.execute<{ tables: string }>(sql`select count(*) as tables from tables where ended is null`);
      read.set(Number(rows[0]?.tables ?? 0));
      const head = await latestPosition(db);
      for (const { name, cursor } of await listFollowers(db)) lag.set({ follower: name }, Number(head - cursor));
      const states = await db.execute<{ kind: string; state: string; n: string }>(
        sql`select kind, state, count(*) as n from runs group by 1, 2`,
      );
      runs.reset();
      for (const { kind, state, n } of states.rows) runs.set({ kind, state }, Number(n));
      pool.set({ state: 'open' }, tenon.pool.totalCount);
      pool.set({ state: 'idle' }, tenon.pool.idleCount);
      pool.set({ state: 'waiting' }, tenon.pool.waitingCount);
    },
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

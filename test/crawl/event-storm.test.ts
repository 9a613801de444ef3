import { describe, expect, it } from 'vitest';
import { rage, type Storm } from './event-storm.ts';

/** `bench/events.ts` asks for a million. */
const MANY = Number(process.env['TEST_STORM_EVENTS'] ?? 0);
const TIMEOUT_MS = MANY > 0 ? 1_800_000 : 60_000;

const sized = (storm: Storm): Storm =>
  MANY === 0 ? storm : { ...storm, events: MANY, folders: 1_000, batch: Math.max(1_000, Math.ceil(MANY / 12)) };

function tell(storm: Storm, { byEvents: _b, afterAll: _a, fresh: _f, ...figures }: Awaited<ReturnType<typeof rage>>): void {
  if (MANY > 0) console.log(JSON.stringify({ bench: 'K9', ...storm, ...figures, seconds: Math.round(performance.now() / 1000) }));
}

describe('a storm of events that come twice, late and in any order', () => {
  it(
    'ends in the catalog that a crawl of everything makes',
    async () => {
      const storm = sized({ seed: 20240229, events: 2_000, folders: 50, batch: 500, lost: 0 });
      const weather = await rage(storm);
      tell(storm, weather);
      expect(weather.delivered).toBeGreaterThanOrEqual(storm.events);
      expect([weather.twice, weather.late].every((count) => count > 50)).toBe(true);
      expect(weather.byEvents).toEqual(weather.fresh);
      expect(weather.repaired).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'ends in the same catalog where schemas decide what is a table',
    async () => {
      const storm: Storm = { seed: 4, events: 400, folders: 30, batch: 40, lost: 0, grouping: 'glue' };
      const weather = await rage(storm);
      expect(weather.crawls).toBeGreaterThan(9);
      expect(weather.byEvents).toEqual(weather.fresh);
      expect(weather.repaired).toBe(0);
    },
    TIMEOUT_MS,
  );

  it(
    'is made good by the next crawl of everything where events were lost',
    async () => {
      const storm = sized({ seed: 7, events: 800, folders: 40, batch: 400, lost: 0.2 });
      const weather = await rage(storm);
      tell(storm, weather);
      expect(weather.lost).toBeGreaterThan(50);
      expect(weather.byEvents).not.toEqual(weather.fresh);
      expect(weather.repaired).toBeGreaterThan(0);
      expect(weather.afterAll).toEqual(weather.fresh);
    },
    TIMEOUT_MS,
  );
});

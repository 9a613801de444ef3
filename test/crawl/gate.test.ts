import { describe, expect, it } from 'vitest';
import { createGate, type Gate } from '../../src/crawl/gate.ts';
import { TenonError } from '../../src/model/errors.ts';

/** Reads that end when they are told to, the first one first, with the most that there were at the same time. */
function reads(gate: Gate) {
  const open: (() => void)[] = [];
  const seen = { atOnce: 0, begun: 0, done: 0 };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    seen,
    ask(count: number, bytes = 1): void {
      for (let i = 0; i < count; i += 1) {
        const read = (): Promise<void> => {
          seen.begun += 1;
          seen.atOnce = Math.max(seen.atOnce, seen.begun - seen.done);
          return new Promise((resolve) =>
            open.push(() => {
              seen.done += 1;
              resolve();
            }),
          );
        };
        void gate(read, bytes);
      }
    },
    async end(count = Number.POSITIVE_INFINITY): Promise<void> {
      await settled();
      for (let i = 0; i < count && open.length > 0; i += 1) {
        open.shift()?.();
        await settled();
      }
    },
  };
}

const idle = () => 0.1;
const busy = () => 0.99;
const MIB = 1024 * 1024;

describe('a gate', () => {
  it('lets eight through, and more each time while this thread waits for the source', async () => {
    const r = reads(createGate({ most: 100, bytes: MIB }, idle));
    r.ask(400);
    expect(r.seen).toMatchObject({ begun: 8, atOnce: 8 });
    await r.end(8);
    expect(r.seen).toMatchObject({ begun: 24, atOnce: 16 });
    await r.end();
    expect(r.seen).toEqual({ begun: 400, done: 400, atOnce: 100 });
  });

  it('stays at eight where this thread is what takes the time', async () => {
    const r = reads(createGate({ most: 100, bytes: MIB }, busy));
    r.ask(200);
    await r.end();
    expect(r.seen).toEqual({ begun: 200, done: 200, atOnce: 8 });
  });

  it('does not widen while nothing has to wait', async () => {
    const r = reads(createGate({ most: 100, bytes: MIB }, idle));
    for (let i = 0; i < 10; i += 1) {
      r.ask(8);
      await r.end();
    }
    r.ask(20);
    expect(r.seen.begun - r.seen.done).toBe(8);
    await r.end();
  });

  it('lets no more through than were asked for, however few', async () => {
    const r = reads(createGate({ most: 3, bytes: MIB }, idle));
    r.ask(50);
    await r.end();
    expect(r.seen).toEqual({ begun: 50, done: 50, atOnce: 3 });
  });

  it('holds no more bytes than it may beyond the first eight', async () => {
    const r = reads(createGate({ most: 100, bytes: 20 * MIB }, idle));
    r.ask(300, MIB);
    await r.end();
    expect(r.seen).toEqual({ begun: 300, done: 300, atOnce: 20 });
    const large = reads(createGate({ most: 100, bytes: 20 * MIB }, idle));
    large.ask(100, 64 * MIB);
    await large.end();
    expect(large.seen).toEqual({ begun: 100, done: 100, atOnce: 8 });
  });

  it('asks a source that is overwhelmed for less at a time, but not because of a file that cannot be read', async () => {
    const gate = createGate({ most: 64, bytes: MIB }, idle);
    const r = reads(gate);
    r.ask(120);
    await r.end();
    expect(r.seen.atOnce).toBe(64);
    const fail = async (code: 'DATA_UNREADABLE' | 'SOURCE_UNAVAILABLE'): Promise<number> => {
      await expect(gate(() => Promise.reject(new TenonError(code, 'It broke.')), 1)).rejects.toThrow('It broke.');
      const next = reads(gate);
      next.ask(65);
      const { begun } = next.seen;
      await next.end();
      return begun;
    };
    expect(await fail('DATA_UNREADABLE')).toBe(64);
    expect(await fail('SOURCE_UNAVAILABLE')).toBe(32);
  });

  it('goes on after a read that failed, and gives its error to who asked', async () => {
    const gate = createGate({ most: 1, bytes: MIB }, idle);
    const failed = gate(() => Promise.reject(new Error('It broke.')), 1);
    await expect(failed).rejects.toThrow('It broke.');
    await expect(gate(() => Promise.resolve('read'), 1)).resolves.toBe('read');
  });
});

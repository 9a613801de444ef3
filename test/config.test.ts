import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS, loadConfig, type Config } from '../src/config.ts';
import { TenonError } from '../src/model/errors.ts';

describe('loadConfig', () => {
  let dataDir = '';
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'tenon-config-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('needs no file and no variables', () => {
    const config = loadConfig({ dataDir, env: {} });
    expect(config).toMatchObject({ dataDir, host: '127.0.0.1', port: 4000, logLevel: 'info', crawl: { removalShare: 0.3 } });
    expect(config.limits).toEqual(LIMITS);
    expect(config.databaseUrl).toBeUndefined();
  });

  it('reads tenon.yaml in the data directory, and keeps the presets of what it leaves out', () => {
    write('tenon.yaml', 'port: 4100\nlimits:\n  columns: 20\n');
    const config = loadConfig({ dataDir, env: {} });
    expect(config.port).toBe(4100);
    expect(config.limits).toEqual({ ...LIMITS, columns: 20 });
  });

  it('lets variables win over the file', () => {
    write('tenon.yaml', 'port: 4100\nengine: {threads: 4}\n');
    const env = {
      TENON_PORT: '4200',
      TENON_LIMITS_SAMPLE_BYTES: '65536',
      TENON_ENGINE_MEMORY_LIMIT: '2GB',
      TENON_CRAWL_REMOVAL_SHARE: '0.5',
    };
    const config = loadConfig({ dataDir, env });
    expect(config).toMatchObject({
      port: 4200,
      limits: { sampleBytes: 65_536 },
      engine: { threads: 4, memoryLimit: '2GB' },
      crawl: { removalShare: 0.5 },
    });
  });

  it('reads the file that TENON_CONFIG names, and fails when it is not there', () => {
    const env = { TENON_CONFIG: write('other.yaml', 'host: 0.0.0.0\n') };
    expect(loadConfig({ dataDir, env }).host).toBe('0.0.0.0');
    expect(mistakes(() => loadConfig({ dataDir, env: { TENON_CONFIG: join(dataDir, 'gone.yaml') } })).message).toContain(
      'gone.yaml',
    );
  });

  it('reports all mistakes at once', () => {
    write('tenon.yaml', 'prot: 4100\nport: high\nlimits: {columns: -1, colums: 5}\ncrawl: {removalShare: 3}\n');
    const { details } = mistakes(() =>
      loadConfig({ dataDir, env: { TENON_DATABSE_URL: 'postgres://x', TENON_LOG_LEVEL: 'loud' } }),
    );
    const text = (details['mistakes'] as string[]).join('\n');
    for (const place of [
      'prot is',
      'port:',
      'limits.columns:',
      'limits.colums is',
      'crawl.removalShare:',
      'TENON_DATABSE_URL is',
      'logLevel:',
    ]) {
      expect(text).toContain(place);
    }
  });

  it('never repeats a value, as it may be a secret', () => {
    write('tenon.yaml', 'databaseUrl: mysql://u:canary-1@host/db\nport: canary-2\nhost: "canary-3\n');
    const error = mistakes(() =>
      loadConfig({ dataDir, env: { TENON_DATABASE_URL: 'http://canary-4', TENON_CANARY: 'canary-5' } }),
    );
    expect(JSON.stringify([error.message, error.details])).not.toContain('canary-');
    expect(error.message).toContain('databaseUrl');
  });

  it('refuses a file that is not a mapping, or too clever', () => {
    for (const text of ['- 1\n- 2', 'just text', 'a: &a [1]\nb: [*a, *x]', '{', `a: &a [${'1,'.repeat(9)}1]\n` + bomb()]) {
      write('tenon.yaml', text);
      expect(mistakes(() => loadConfig({ dataDir, env: {} })).code, text.slice(0, 40)).toBe('BAD_CONFIG');
    }
  });

  it('takes no notice of variables that the command line and the tests read', () => {
    expect(() =>
      loadConfig({ dataDir, env: { TENON_URL: 'x', TENON_TOKEN: 'y', TENON_TEST_POSTGRES: 'z', TENON_PORT: '' } }),
    ).not.toThrow();
  });

  function write(name: string, text: string): string {
    writeFileSync(join(dataDir, name), text);
    return join(dataDir, name);
  }
});

/** Aliases of aliases, which would grow to 10^9 items. */
function bomb(): string {
  return [...'bcdefghi']
    .map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[index]}`).join(',')}]`)
    .join('\n');
}

function mistakes(load: () => Config): TenonError {
  try {
    load();
  } catch (error) {
    if (error instanceof TenonError && error.code === 'BAD_CONFIG') return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

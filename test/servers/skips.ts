import type { Reporter, TestModule } from 'vitest/node';
import { ALLOWED_IN_CI } from './allowed-skips.ts';

const NO_REASON = 'without a reason';

/** Says at the end of a run what was skipped and why. In CI a reason that is not allowed there fails the run. */
export function skipReporter(): Reporter {
  return {
    onTestRunEnd(modules) {
      const skipped = bySkipReason(modules);
      if (skipped.size === 0) return;
      console.log('\nSkipped:');
      for (const [reason, tests] of skipped) console.log(`  ${reason}\n${tests.map((test) => `    ${test}\n`).join('')}`);
      const refused = [...skipped.keys()].filter((reason) => !ALLOWED_IN_CI.includes(reason));
      if (process.env['CI'] === undefined || refused.length === 0) return;
      console.error(`CI does not accept to skip what ${refused.join('; ')}.`);
      process.exitCode = 1;
    },
  };
}

function bySkipReason(modules: readonly TestModule[]): Map<string, string[]> {
  const skipped = new Map<string, string[]>();
  for (const module of modules) {
    for (const test of module.children.allTests('skipped')) {
      const result = test.result();
      const reason = (result.state === 'skipped' ? result.note : undefined) ?? NO_REASON;
      skipped.set(reason, [...(skipped.get(reason) ?? []), test.fullName]);
    }
  }
  return skipped;
}

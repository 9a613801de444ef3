import { afterEach } from 'vitest';

let failed = false;

/** Whether a test of this file has failed so far: then its database stays, to be looked at. */
export function hasFailed(): boolean {
  return failed;
}

afterEach(({ task }) => {
  if (task.result?.state === 'fail') failed = true;
});

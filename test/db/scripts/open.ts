import { openEmbeddedPostgres } from '../../../src/db/embedded-postgres.ts';
import { claimDirectory } from '../../../src/db/own.ts';
import { asTenonError } from '../../../src/model/errors.ts';

/** open.ts open|claim DIR: opens, says what came of it, and closes when told anything on stdin. */
const [verb, folder = ''] = process.argv.slice(2);
/** As in ../embedded.ts, which only tests can import. */
const QUICK = { settings: { fsync: 'off' } };
const say = (what: unknown) => process.stdout.write(`${JSON.stringify(what)}\n`);

async function run(): Promise<void> {
  try {
    const opened = verb === 'claim' ? await claimDirectory(folder, undefined, QUICK) : await openEmbeddedPostgres(folder, QUICK);
    say(opened);
    await new Promise((resolve) => process.stdin.once('data', resolve));
    if ('close' in opened) await opened.close();
    say({ closed: true });
  } catch (error) {
    const { code, message } = asTenonError(error);
    say({ code, message });
  }
  process.stdin.destroy();
}

void run();

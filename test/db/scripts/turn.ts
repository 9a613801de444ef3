import { inTurn } from '../../../src/db/directory-turn.ts';

/** turn.ts FOLDER: takes the turn, says so, and keeps it until it is killed. */
const [folder = ''] = process.argv.slice(2);

void inTurn(folder, async () => {
  process.stdout.write(`${JSON.stringify({ pid: process.pid })}\n`);
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { inTurn } from '../../../src/db/directory-turn.ts';
import { processStart } from '../../../src/db/process-start.ts';

/** turns.ts FOLDER: takes the turn 150 times, and says in the end whom it met inside though only one may be there. */
const [folder = ''] = process.argv.slice(2);
const sign = `${folder}.inside`;
const met: number[] = [];

async function visit(): Promise<void> {
  const inside = Number(read());
  if (inside > 0 && (await processStart(inside)) !== undefined) met.push(inside);
  writeFileSync(sign, String(process.pid));
  await new Promise((resolve) => setTimeout(resolve, 1));
  if (Number(read()) !== process.pid) met.push(Number(read()));
  rmSync(sign, { force: true });
}

function read(): string {
  try {
    return readFileSync(sign, 'utf8');
  } catch {
    return '0';
  }
}

async function run(): Promise<void> {
  for (let n = 0; n < 150; n++) {
    await inTurn(folder, visit);
    if (n === 20) process.stdout.write('{}\n');
  }
  process.stdout.write(`${JSON.stringify({ met })}\n`);
}

void run();

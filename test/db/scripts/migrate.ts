import { migrate } from '../../../src/db/migrate.ts';
import { onReached } from '../../../src/model/reached.ts';

/** migrate.ts URL: is killed where it hurts most. */
onReached((label) => {
  if (label === 'migrate.before-commit') process.kill(process.pid, 'SIGKILL');
});
void migrate(process.argv[2] ?? '');

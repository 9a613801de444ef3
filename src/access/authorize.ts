import { TenonError } from '../model/errors.ts';
import type { Principal, Role } from '../model/principal.ts';

/** `read` the catalog, `write` to it and start runs, or `admin`: principals, tokens, connections' secrets. */
export type Action = 'read' | 'write' | 'admin';

const NEEDED: Readonly<Record<Action, Role>> = { read: 'reader', write: 'editor', admin: 'admin' };
const RANK: Readonly<Record<Role, number>> = { reader: 0, editor: 1, admin: 2 };

/**
 * Lets through whoever has the role that the action needs, or a role that contains it; else throws FORBIDDEN, which names
 * the role. `what` ends the sentence «may not write …», such as `the table lake.sales`. Every verb calls this itself, so
 * that no door can forget it.
 */
export function authorize(as: Principal, action: Action, what: string): void {
  if (mayAct(as, action)) return;
  const needed = NEEDED[action];
  throw new TenonError(
    'FORBIDDEN',
    `«${as.name}» has the role ${as.role} and may not ${action} ${what}: that needs the role ${needed}.`,
    {
      principal: as.name,
      role: as.role,
      needed,
      action,
      what,
    },
  );
}

/** The same question without a throw, for lists that show less to some. A role that is not known may nothing. */
export function mayAct(as: Principal, action: Action): boolean {
  const rank: number | undefined = RANK[as.role];
  return rank !== undefined && rank >= RANK[NEEDED[action]];
}

import { describe, expect, it } from 'vitest';
import { authorize, mayAct, type Action } from '../../src/access/authorize.ts';
import { SYSTEM } from '../../src/access/principals.ts';
import { ROLES, type Principal, type Role } from '../../src/model/principal.ts';

const principal = (role: Role): Principal => ({ id: role, name: role, role });

describe('authorize', () => {
  const ALLOWED: Record<Role, Action[]> = { admin: ['read', 'write', 'admin'], editor: ['read', 'write'], reader: ['read'] };

  for (const role of ROLES) {
    for (const action of ['read', 'write', 'admin'] as const) {
      const allowed = ALLOWED[role].includes(action);
      it(`${allowed ? 'lets' : 'does not let'} the ${role} ${action}`, () => {
        expect(mayAct(principal(role), action)).toBe(allowed);
        if (allowed) authorize(principal(role), action, 'the table lake.sales');
        else expect(() => authorize(principal(role), action, 'the table lake.sales')).toThrow(/needs the role (admin|editor)/);
      });
    }
  }

  it('names what was asked, who asked and which role it takes', () => {
    expect(() => authorize(principal('reader'), 'write', 'the table lake.sales')).toThrow(
      expect.objectContaining({
        code: 'FORBIDDEN',
        message: '«reader» has the role reader and may not write the table lake.sales: that needs the role editor.',
        details: expect.objectContaining({ needed: 'editor' }),
      }),
    );
  });

  it('lets nobody do anything with a role that it does not know', () => {
    for (const role of ['', 'root', 'constructor', '__proto__']) {
      expect(mayAct({ id: 'x', name: 'x', role: role as Role }, 'read')).toBe(false);
    }
  });

  it('lets Tenon itself do everything', () => {
    expect(mayAct(SYSTEM, 'admin')).toBe(true);
  });
});

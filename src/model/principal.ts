/** Who acts. A role contains the ones after it: an admin may all that an editor may, an editor all that a reader may. */
export const ROLES = ['admin', 'editor', 'reader'] as const;
export type Role = (typeof ROLES)[number];

export interface Principal {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

/**
 * Who a write is made for. `owner` is what the written rows will carry: `api`, `crawler:<name>` or `job:<name>`.
 * Absence counts only for rows of the same owner, so a crawl never removes what a job published.
 */
export interface Actor {
  readonly principal: Principal;
  readonly owner: string;
  readonly runId?: string;
}

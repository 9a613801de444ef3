/**
 * What a MySQL shows of itself depends on who asks: a table without any privilege on it is not in `information_schema`, as if
 * it were not there. So absence says something only in databases that are seen whole, and that is what grants are read for.
 */
export interface Grants {
  /** Something on `*.*`, so that every database is seen. */
  readonly everything: boolean;
  /** Patterns of databases with `%`, `_` and `\`. */
  readonly databases: readonly string[];
  /** Databases that something was taken back from («partial revokes»). */
  readonly revoked: readonly string[];
}

/** Privileges that show a table, or only that the server is there. */
const BLIND =
  /^(USAGE|PROXY|SHOW DATABASES|PROCESS|RELOAD|REPLICATION [A-Z ]+|BINLOG [A-Z ]+|CREATE USER|FILE|SHUTDOWN|SUPER|CONNECTION ADMIN)$/;

/** `lines` is what `show grants` answers. What cannot be read grants nothing. */
export function readGrants(lines: readonly string[]): Grants {
  let everything = false;
  const databases: string[] = [];
  const revoked: string[] = [];
  for (const line of lines) {
    const [, verb = '', privileges = '', on = ''] =
      /^(GRANT|REVOKE) (.+?) ON (\*\.\*|`(?:[^`]|``)+`\.\*) (?:TO|FROM) /.exec(line) ?? [];
    const showing = privileges.split(/, ?/).some((privilege) => !BLIND.test(privilege) && !/^[A-Z_]+_ADMIN$/.test(privilege));
    const database = on.slice(1, -3).replaceAll('``', '`');
    if (verb === 'GRANT' && showing && on === '*.*') everything = true;
    else if (verb === 'GRANT' && showing) databases.push(database);
    else if (verb === 'REVOKE') revoked.push(database);
  }
  return { everything, databases, revoked };
}

export function seesWhole({ everything, databases, revoked }: Grants, database: string): boolean {
  if (revoked.includes(database)) return false;
  return everything || databases.some((pattern) => isGranted([...pattern], [...database]));
}

/** As `like`; the last `%` takes one character more when what follows does not fit. */
function isGranted(pattern: readonly string[], name: readonly string[]): boolean {
  let p = 0;
  let n = 0;
  let mark: { p: number; n: number } | undefined;
  while (n < name.length || p < pattern.length) {
    const escaped = pattern[p] === '\\' && p + 1 < pattern.length;
    const literal = escaped ? pattern[p + 1] : pattern[p];
    if (!escaped && literal === '%') {
      p += 1;
      mark = { p, n };
    } else if (n < name.length && p < pattern.length && ((!escaped && literal === '_') || literal === name[n])) {
      p += escaped ? 2 : 1;
      n += 1;
    } else if (mark !== undefined && mark.n < name.length) {
      mark = { p: mark.p, n: mark.n + 1 };
      ({ p, n } = mark);
    } else return false;
  }
  return true;
}

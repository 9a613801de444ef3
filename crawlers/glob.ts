/**
 * Whether a path matches a pattern: `*` stands for anything within one folder, `**` for anything, and a leading or inner
 * doubled star with a slash after it for any number of folders, none included. A pattern that matches a folder matches all
 * below it, so `tmp`, `tmp/**` and `tmp/` mean the same for a folder.
 *
 * Backtracks to the last star and the last double star only (as fnmatch does), so the time is at most the product of both
 * lengths, whatever the pattern. A regular expression with ten stars has no such bound.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  return match(pattern, path) || (path.endsWith('/') && match(pattern.replace(/\/$/, ''), path.slice(0, -1)));
}

interface Mark {
  readonly pattern: number;
  readonly path: number;
  /** Set for `**` with a slash after it: it may only end at a folder's beginning. */
  readonly folders: boolean;
}

function match(pattern: string, path: string): boolean {
  let p = 0;
  let s = 0;
  let star: Mark | undefined;
  let double: Mark | undefined;
  while (s < path.length || p < pattern.length) {
    if (pattern.startsWith('**', p)) {
      const folders = pattern[p + 2] === '/' && (p === 0 || pattern[p - 1] === '/');
      p += folders ? 3 : 2;
      double = { pattern: p, path: s, folders };
      star = undefined;
    } else if (pattern[p] === '*') {
      p += 1;
      star = { pattern: p, path: s, folders: false };
    } else if (p < pattern.length && pattern[p] === path[s]) {
      p += 1;
      s += 1;
    } else {
      const next = retry(path, star, double);
      if (next === undefined) return false;
      if (next.from === 'star') star = next.mark;
      else [double, star] = [next.mark, undefined];
      p = next.mark.pattern;
      s = next.mark.path;
    }
  }
  return true;
}

/** Lets the last star take one character more, or where it may not, the last double star. */
function retry(
  path: string,
  star: Mark | undefined,
  double: Mark | undefined,
): { from: 'star' | 'double'; mark: Mark } | undefined {
  if (star !== undefined && star.path < path.length && path[star.path] !== '/')
    return { from: 'star', mark: { ...star, path: star.path + 1 } };
  if (double === undefined || double.path >= path.length) return undefined;
  const slash = path.indexOf('/', double.path);
  if (double.folders && slash < 0) return undefined;
  return { from: 'double', mark: { ...double, path: double.folders ? slash + 1 : double.path + 1 } };
}

const SLASH = 47;

/**
 * How long the folder is that a path (or its first `end` characters) lies in, with the `/` at its end. Names are short, so
 * this is a third of what `lastIndexOf` takes, and it is asked three times for each of a million objects.
 */
export function folderLength(path: string, end = path.length): number {
  let at = end;
  while (at > 0 && path.charCodeAt(at - 1) !== SLASH) at -= 1;
  return at;
}

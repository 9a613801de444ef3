/** Patterns with `%` for names; no `include` means all. */
export interface Filter {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export function passes({ include, exclude }: Filter, name: string): boolean {
  const included = include.length === 0 || include.some((pattern) => isLike(pattern, name));
  return included && !exclude.some((pattern) => isLike(pattern, name));
}

/** As `like` with `%` as the only wildcard. Goes forward only, so its time is linear in the name for each part of the pattern. */
export function isLike(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('%');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

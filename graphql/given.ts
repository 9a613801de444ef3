type Given<T> = { [Key in keyof T]: Exclude<T[Key], null> };

/** What of an input was given: null is as good as nothing. */
export function given<T extends object>(input: T | null | undefined): Given<Partial<T>> {
  return Object.fromEntries(Object.entries(input ?? {}).filter(([, value]) => value !== null)) as Given<Partial<T>>;
}

/** Time and ids come in from outside, so that tests are exact and need no sleeps. */
export type Clock = () => Date;
/** A new unique id; ids made later sort later. */
export type NewId = () => string;

/** One page of a list. `after` is the opaque cursor of the last item of the page before. */
export interface PageRequest {
  readonly first: number;
  readonly after?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly { readonly cursor: string; readonly item: T }[];
  readonly hasNextPage: boolean;
}

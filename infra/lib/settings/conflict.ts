/** What is wrong between several fields: the one to change, and what it must be. */
export interface Conflict {
  readonly path: readonly string[];
  readonly message: string;
}

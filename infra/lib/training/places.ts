/** What lies where in the training bucket. */
export const PLACES = {
  /** Uploaded: catalogues to learn from, a folder each. */
  catalogues: 'catalogues/',
  /** Uploaded: checkpoints to begin from, a folder each. */
  models: 'models/',
  /** A folder for each run of the pipeline: what was prepared, trained and evaluated. */
  runs: 'runs/',
  /** A folder for each run: where its training is, for interruptions. Removed after some days. */
  checkpoints: 'checkpoints/',
} as const;

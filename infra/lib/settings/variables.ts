import { z } from 'zod';

/** Environment variables, by their names. */
export const variables = z.record(
  z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be upper-case letters, digits and "_"'),
  z.string(),
);

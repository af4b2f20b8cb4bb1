import { z } from 'zod';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';
import { mostInstances } from './scaling.ts';
import { functionVariables } from './function-variables.ts';

/**
 * Invocations at a time, beyond which a number is a mistake: Lambda raises an account's 1,000 to tens
 * of thousands, of all its functions together.
 */
const MOST_INVOCATIONS = 10_000;

/** The function that describes products. */
export const functionSection = z.strictObject({
  assetPath: z.string().min(1),
  architecture: z.enum(['x86_64', 'arm64']),
  memoryMib: z.int().min(128).max(10_240),
  timeoutSeconds: z.int().min(3).max(900),
  productConcurrency: z.int().min(1).max(64),
  reservedConcurrency: z.union(
    [z.enum(['fitted', 'none']), z.int().min(1)],
    'must be "fitted", "none" or a whole number of at least 1',
  ),
  provisionedConcurrency: z.int().min(1).nullable(),
  deadLetterQueue: z.boolean(),
  url: z.enum(['none', 'buffered', 'stream']),
  tracing: z.enum(['active', 'pass-through']),
  environment: functionVariables,
});

/** How many invocations there may be at a time; `undefined` where the account's limit alone holds. */
export function reservedConcurrency(settings: Settings): number | undefined {
  switch (settings.function.reservedConcurrency) {
    case 'fitted':
      return mostInstances(settings) * settings.endpoint.productsPerInstance;
    case 'none':
      return undefined;
    default:
      return settings.function.reservedConcurrency;
  }
}

/** More invocations than Lambda lets in, and some that are kept ready and never let in. */
export function* concurrencyConflicts(settings: Settings): Generator<Conflict> {
  const reserved = reservedConcurrency(settings);
  if (reserved === undefined) {
    return;
  }
  if (reserved > MOST_INVOCATIONS) {
    yield {
      path: ['function', 'reservedConcurrency'],
      message: `must be at most ${String(MOST_INVOCATIONS)} invocations at a time, and comes to ${String(reserved)} (where it is "fitted", the most instances times endpoint.productsPerInstance), or must be "none"`,
    };
  }
  const { provisionedConcurrency } = settings.function;
  if (provisionedConcurrency !== null && provisionedConcurrency > reserved) {
    yield {
      path: ['function', 'provisionedConcurrency'],
      message: `must be at most the ${String(reserved)} invocations at a time that function.reservedConcurrency allows`,
    };
  }
}

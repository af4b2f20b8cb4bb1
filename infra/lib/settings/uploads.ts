import { z } from 'zod';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';

/** The shortest time that the function gives a product of a batch: in less nothing is described. */
export const SHORTEST_TURN_SECONDS = 5;

/** How uploads come to the function. The limits are those of Lambda and of SQS. */
export const uploadsSection = z.strictObject({
  batchSize: z.int().min(1).max(10_000),
  batchingWindowSeconds: z.int().min(0).max(300),
  maximumConcurrency: z.int().min(2).max(1000),
  maximumReceives: z.int().min(1).max(1000),
  // At most the ten days for which the queue keeps a message.
  oldestMessageAlarmMinutes: z.int().min(1).max(14_400),
});

/** Batches for which function or endpoint have no room. */
export function* uploadConflicts({
  endpoint,
  function: describe,
  uploads,
}: Settings): Generator<Conflict> {
  const { batchSize, batchingWindowSeconds, maximumConcurrency } = uploads;
  if (batchSize > 10 && batchingWindowSeconds < 1) {
    yield {
      path: ['uploads', 'batchingWindowSeconds'],
      message: `must be at least 1 where uploads.batchSize (${String(batchSize)}) is over 10`,
    };
  }
  const turns = Math.ceil(batchSize / describe.productConcurrency);
  if (turns * SHORTEST_TURN_SECONDS >= describe.timeoutSeconds) {
    yield {
      path: ['uploads', 'batchSize'],
      message: `must be less, or the last of a batch have no time: ${String(describe.productConcurrency)} products at a time (function.productConcurrency) need ${String(turns)} turns of ${String(SHORTEST_TURN_SECONDS)} s or more, in function.timeoutSeconds (${String(describe.timeoutSeconds)})`,
    };
  }
  const atATime = Math.min(batchSize, describe.productConcurrency);
  const room = endpoint.instanceCount * endpoint.productsPerInstance;
  if (maximumConcurrency * atATime > room) {
    yield {
      path: ['uploads', 'maximumConcurrency'],
      message: `times the ${String(atATime)} products of a batch that are worked on at a time must be at most ${String(room)}, which is endpoint.instanceCount × endpoint.productsPerInstance`,
    };
  }
}

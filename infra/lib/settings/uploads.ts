import { z } from 'zod';
import type { Settings } from '../settings.ts';
import { batchConflicts } from './batches.ts';
import type { Conflict } from './conflict.ts';

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
export function* uploadConflicts(settings: Settings): Generator<Conflict> {
  const { batchSize, batchingWindowSeconds } = settings.uploads;
  if (batchSize > 10 && batchingWindowSeconds < 1) {
    yield {
      path: ['uploads', 'batchingWindowSeconds'],
      message: `must be at least 1 where uploads.batchSize (${String(batchSize)}) is over 10`,
    };
  }
  yield* batchConflicts('uploads', settings);
}

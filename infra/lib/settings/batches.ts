import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';
import { reservedConcurrency } from './function.ts';

/** The shortest time that the function gives a product of a batch: in less nothing is described. */
export const SHORTEST_TURN_SECONDS = 5;

/** What hands batches of photos to the function. */
export type Batches = 'uploads' | 'backfill';

/** Batches for which function or endpoint have no room. */
export function* batchConflicts(section: Batches, settings: Settings): Generator<Conflict> {
  const { endpoint, function: describe } = settings;
  const { batchSize, maximumConcurrency } = settings[section];
  const turns = Math.ceil(batchSize / describe.productConcurrency);
  if (turns * SHORTEST_TURN_SECONDS >= describe.timeoutSeconds) {
    yield {
      path: [section, 'batchSize'],
      message: `must be less, or the last of a batch have no time: ${String(describe.productConcurrency)} products at a time (function.productConcurrency) need ${String(turns)} turns of ${String(SHORTEST_TURN_SECONDS)} s or more, in function.timeoutSeconds (${String(describe.timeoutSeconds)})`,
    };
  }
  const atATime = Math.min(batchSize, describe.productConcurrency);
  const room = endpoint.instanceCount * endpoint.productsPerInstance;
  if (maximumConcurrency * atATime > room) {
    yield {
      path: [section, 'maximumConcurrency'],
      message: `times the ${String(atATime)} products of a batch that are worked on at a time must be at most ${String(room)}, which is endpoint.instanceCount × endpoint.productsPerInstance`,
    };
  }
  const reserved = reservedConcurrency(settings);
  if (reserved !== undefined && maximumConcurrency > reserved) {
    yield {
      path: [section, 'maximumConcurrency'],
      message: `must be at most the ${String(reserved)} invocations at a time that function.reservedConcurrency allows, or Lambda turns batches away`,
    };
  }
}

import { z } from 'zod';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';
import { MOST_INSTANCES } from './endpoint.ts';

/** How the endpoint follows its load. */
export const scalingSection = z.strictObject({
  maximumInstances: z.int().min(1).max(MOST_INSTANCES).nullable(),
  metric: z.enum(['concurrent-requests', 'invocations-per-minute']),
  target: z.number().positive(),
  backlogPerInstance: z.number().positive(),
  scaleOutCooldownSeconds: z.int().min(0).max(3600),
  scaleInCooldownSeconds: z.int().min(0).max(3600),
});

/** Fewer instances at most than there are at first. */
export function* scalingConflicts({ endpoint, scaling }: Settings): Generator<Conflict> {
  const { maximumInstances } = scaling;
  if (maximumInstances !== null && maximumInstances < endpoint.instanceCount) {
    yield {
      path: ['scaling', 'maximumInstances'],
      message: `must be at least ${String(endpoint.instanceCount)}, which is endpoint.instanceCount, or null`,
    };
  }
}

/** How many instances there are at most. */
export function mostInstances({ endpoint, scaling }: Settings): number {
  return scaling.maximumInstances ?? endpoint.instanceCount;
}

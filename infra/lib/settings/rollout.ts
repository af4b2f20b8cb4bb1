import { z } from 'zod';
import type { Settings } from '../settings.ts';
import type { Conflict } from './conflict.ts';

/** How another model, image or instance takes the place of the one that serves. */
export const rolloutSection = z.strictObject({
  strategy: z.enum(['all-at-once', 'canary']),
  // SageMaker's limit: a canary is at most half of the instances.
  canaryPercentage: z.int().min(1).max(50),
  bakeSeconds: z.int().min(0).max(3600),
});

/** A canary of less than one instance. */
export function* rolloutConflicts({ endpoint, rollout }: Settings): Generator<Conflict> {
  if (rollout.strategy !== 'canary') {
    return;
  }
  if (endpoint.mode === 'scale-to-zero') {
    yield {
      path: ['rollout', 'strategy'],
      message:
        'must be "all-at-once" where endpoint.mode is "scale-to-zero": an inference component is updated copy by copy, for which SageMaker knows no canary',
    };
  } else if (endpoint.instanceCount * rollout.canaryPercentage < 100) {
    yield {
      path: ['rollout', 'canaryPercentage'],
      message: `of the ${String(endpoint.instanceCount)} instances (endpoint.instanceCount) must be an instance at least, and SageMaker takes 50 at most: a canary needs two instances`,
    };
  }
}

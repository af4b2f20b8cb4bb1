import { z } from 'zod';
import { makerOf } from '../bedrock-model.ts';
import type { Settings } from '../settings.ts';
import { batchConflicts } from './batches.ts';
import { keyPrefix, PREFIXES } from './catalogue.ts';
import type { Conflict } from './conflict.ts';
import { containerImage, hasGpu, instanceType } from './endpoint.ts';
import { variables } from './variables.ts';

/** The describing of a catalogue that is there already. */
export const backfillSection = z.strictObject({
  enabled: z.boolean(),
  // Step Functions hands a batch on in 256 KiB, keys of 1,024 bytes included.
  batchSize: z.int().min(1).max(100),
  maximumConcurrency: z.int().min(1).max(1000),
  toleratedFailurePercentage: z.number().min(0).max(100),
  resultsPrefix: keyPrefix,
  cheaply: z.boolean(),
  // The function has all photos of a file in memory.
  photosPerFile: z.int().min(1).max(100),
  transformImage: containerImage,
  transformEnvironment: variables,
  transformInstanceType: instanceType,
  transformInstanceCount: z.int().min(1).max(100),
  transformAmiVersion: z.string().min(1).nullable(),
  batchModelId: z
    .string()
    .refine(
      (id) => makerOf(id) === 'anthropic',
      'must be the id or ARN of a model of Anthropic, or of an inference profile for one',
    ),
});

/** What batch services can't do as the stack is set. */
function* cheapConflicts({ backfill, bedrock }: Settings): Generator<Conflict> {
  const { transformImage, transformInstanceType } = backfill;
  if (
    'build' in transformImage &&
    transformImage.build === 'cuda' &&
    !hasGpu(transformInstanceType)
  ) {
    yield {
      path: ['backfill', 'transformImage'],
      message: `"cuda" needs an instance with a GPU, which ${transformInstanceType} is not: use {"build": "cpu"} or another backfill.transformInstanceType`,
    };
  }
  const reasons = {
    region: 'batch inference works where the bucket is, in the region of the stack',
    guardrail: 'batch inference sends nothing through a guardrail',
  } as const;
  for (const field of Object.keys(reasons) as (keyof typeof reasons)[]) {
    if (bedrock[field] !== null) {
      yield {
        path: ['bedrock', field],
        message: `must be null where backfill.cheaply is true: ${reasons[field]}`,
      };
    }
  }
}

/** What a backfill has no function, no room or no place for. */
export function* backfillConflicts(settings: Settings): Generator<Conflict> {
  const { backfill, catalogue, endpoint } = settings;
  if (!backfill.enabled) {
    return;
  }
  if (endpoint.mode === 'asynchronous') {
    yield {
      path: ['backfill', 'enabled'],
      message:
        'must be false where endpoint.mode is "asynchronous", which leaves out the function that describes',
    };
  }
  if (backfill.cheaply) {
    yield* cheapConflicts(settings);
  }
  const { resultsPrefix } = backfill;
  for (const field of Object.keys(PREFIXES) as (keyof typeof PREFIXES)[]) {
    const other = catalogue[field];
    if (resultsPrefix.startsWith(other) || other.startsWith(resultsPrefix)) {
      yield {
        path: ['backfill', 'resultsPrefix'],
        message: `must lie outside of catalogue.${field} ("${other}") and not around it, or the report of a run would be taken for ${PREFIXES[field]}`,
      };
    }
  }
  yield* batchConflicts('backfill', settings);
}

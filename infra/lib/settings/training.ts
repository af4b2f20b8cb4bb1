import { z } from 'zod';
import type { Settings } from '../settings.ts';
import { HYPERPARAMETERS, SCORES } from '../training/contract.ts';
import type { Conflict } from './conflict.ts';
import { ecrImageUri, hasGpu, instanceType } from './endpoint.ts';
import { topicArn } from './stack.ts';

const hyperparameters = z.record(z.string(), z.string()).superRefine((given, context) => {
  for (const name of Object.keys(given)) {
    if (!HYPERPARAMETERS.includes(name)) {
      const message =
        'must be left out: the trainer has no such hyperparameter (trainer/README.md)';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
});

/** The pipeline that makes models. */
export const trainingSection = z.strictObject({
  enabled: z.boolean(),
  containerImage: z.union(
    [
      z.strictObject({ build: z.enum(['cpu', 'cuda']) }),
      z.strictObject({ uri: ecrImageUri }),
      z.strictObject({ tag: z.string().regex(/^\w[\w.-]{0,127}$/) }),
    ],
    'must be {"build": "cpu"}, {"build": "cuda"}, {"uri": "<an image in ECR with its tag or digest>"} or {"tag": "<an image in the stack\'s repository of trainers>"}',
  ),
  instanceType,
  prepareInstanceType: instanceType,
  // The limits are SageMaker's.
  volumeGib: z.int().min(1).max(16_384),
  spot: z.boolean(),
  maximumRuntimeHours: z.int().min(1).max(672),
  maximumWaitHours: z.int().min(1).max(672),
  hyperparameters,
  metric: z.enum(SCORES),
  threshold: z.number().min(0).max(1),
  approvalTopicArn: topicArn.nullable(),
  deployApproved: z.boolean(),
  keptImages: z.int().min(1).max(1000),
  checkpointDays: z.int().min(1).max(365),
  removal: z.enum(['retain', 'destroy']),
});

/** What training can't do so. */
export function* trainingConflicts({ endpoint, training }: Settings): Generator<Conflict> {
  if (!training.enabled) {
    return;
  }
  const { containerImage, maximumRuntimeHours, maximumWaitHours } = training;
  if (
    'build' in containerImage &&
    containerImage.build === 'cuda' &&
    !hasGpu(training.instanceType)
  ) {
    yield {
      path: ['training', 'containerImage'],
      message: `"cuda" needs an instance with a GPU, which ${training.instanceType} is not: use {"build": "cpu"} or another training.instanceType`,
    };
  }
  if (training.spot && maximumWaitHours < maximumRuntimeHours) {
    yield {
      path: ['training', 'maximumWaitHours'],
      message: `must be at least training.maximumRuntimeHours (${String(maximumRuntimeHours)}), which it includes`,
    };
  }
  if (training.deployApproved && endpoint.modelDataUri !== null) {
    yield {
      path: ['endpoint', 'modelDataUri'],
      message:
        "must be null where training.deployApproved is true: a model is deployed by another value of the stack's parameter ModelDataUri",
    };
  }
}

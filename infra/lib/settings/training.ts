import { z } from 'zod';
import type { Settings } from '../settings.ts';
import { HYPERPARAMETERS, plainValue, SCORES } from '../training/contract.ts';
import type { Conflict } from './conflict.ts';
import { ecrImageUri, hasGpu, instanceType } from './endpoint.ts';
import { topicArn } from './stack.ts';

const hyperparameters = z.record(z.string(), z.string()).superRefine((given, context) => {
  for (const [name, text] of Object.entries(given)) {
    const message = problemOf(name, text);
    if (message !== undefined) {
      context.addIssue({ code: 'custom', path: [name], message });
    }
  }
});

/** What the trainer would refuse, once an instance is paid for. */
function problemOf(name: string, text: string): string | undefined {
  const rule = HYPERPARAMETERS.get(name);
  if (rule === undefined) {
    return 'must be left out: the trainer has no such hyperparameter (trainer/README.md)';
  }
  return rule.holds(plainValue(text)) ? undefined : `must be ${rule.allowed}`;
}

/** Hyperparameters that have no meaning beside one another. */
function* hyperparameterConflicts({ training }: Settings): Generator<Conflict> {
  const values = new Map(
    Object.entries(training.hyperparameters).map(([name, text]) => [name, plainValue(text)]),
  );
  const train = values.get('train') ?? 'lora';
  const conflict = (name: string, message: string): Conflict => ({
    path: ['training', 'hyperparameters', name],
    message,
  });
  for (const name of train === 'lora' ? [] : values.keys()) {
    const isSet =
      name.startsWith('lora-') || (name === 'initial-adapter' && values.get(name) !== '');
    if (isSet) {
      yield conflict(name, `must be left out where train is "${train}": it is about adapters`);
    }
  }
  const isFresh = ['true', '1', 'yes'].includes(values.get('fresh-qformer')?.toLowerCase() ?? '');
  if (train === 'lora' && isFresh) {
    yield conflict(
      'fresh-qformer',
      'must be false where train is "lora": an adapter would be trained on a Q-Former that has learnt nothing',
    );
  }
  if (train === 'sight' && values.get('select-best') === 'macro-f1') {
    yield conflict(
      'select-best',
      'must be "loss" or "none" where train is "sight": the language model does not learn to answer',
    );
  }
}

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
export function* trainingConflicts(settings: Settings): Generator<Conflict> {
  yield* hyperparameterConflicts(settings);
  const { endpoint, training } = settings;
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

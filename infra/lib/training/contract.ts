/**
 * What the trainer (`trainer/`) and its jobs agree on. The trainer is the truth; a test compares
 * these names with its sources.
 */

import {
  anyText,
  fileName,
  flag,
  folder,
  number,
  oneOf,
  orElse,
  shareBelowOne,
  type ValueRule,
  whole,
} from '../settings/value-rules.ts';

/** What SageMaker reads from the log of a training job. */
export const METRIC_DEFINITIONS = [
  { Name: 'batch_loss', Regex: 'Loss: ([0-9\\.]+)' },
  { Name: 'epoch_loss', Regex: 'Epoch Loss: ([0-9\\.]+)' },
  { Name: 'validation_loss', Regex: 'validation_loss=([0-9\\.]+)' },
  { Name: 'validation_macro_f1', Regex: 'validation_macro_f1=([0-9\\.]+)' },
] as const;

/** Where a training job finds and leaves things, and the channels that it is given. */
export const TRAINING = {
  channels: { images: 'images', questions: 'input_file', model: 'model' },
  checkpoints: '/opt/ml/checkpoints',
} as const;

/** What `trainer prepare` leaves that the others read. */
export const PREPARED = {
  training: 'vqa_train.csv',
  test: 'vqa_test.csv',
  withoutValue: 'vqa_na.csv',
} as const;

/** What `trainer evaluate` leaves. */
export const EVALUATION = { report: 'evaluation.json', summary: 'summary.json' } as const;

/** The scores in the summary that may decide, each as its path there. */
export const SCORES = ['held.macro_f1', 'held.accuracy', 'free.macro_f1', 'free.accuracy'] as const;

export type Score = (typeof SCORES)[number];

/** The largest of numbers without a bound of their own, those of f32. */
const LARGEST = 1e38;
const MOST_EPOCHS = 1_000_000;
const MOST_STEPS = 1_000_000_000;
const MOST_TOGETHER = 65_536;

/** Names of layers between commas, or a regular expression for them. */
const layers: ValueRule = {
  allowed: 'names of layers or a pattern for them',
  holds: (text) => /[^\s,]/.test(text),
};

/** Every hyperparameter, as `trainer/README.md` explains them, with what the trainer takes for it. */
export const HYPERPARAMETERS: ReadonlyMap<string, ValueRule> = new Map([
  ['augment', flag],
  ['batch-size', whole(1, MOST_TOGETHER)],
  ['checkpoint-steps', whole(1, MOST_STEPS)],
  ['early-stopping-patience', whole(0, MOST_EPOCHS)],
  ['epochs', whole(1, MOST_EPOCHS)],
  ['feature-store-mib', whole(0, 2 ** 30)],
  ['file-name', fileName],
  ['fresh-qformer', flag],
  ['gradient-accumulation-steps', whole(1, MOST_TOGETHER)],
  ['group-by-length', flag],
  ['initial-adapter', orElse('', folder)],
  ['label-smoothing', shareBelowOne],
  ['lora-alpha', number(0, LARGEST)],
  ['lora-dropout', number(0, 0.99)],
  ['lora-r', whole(1, 4096)],
  ['lora-target-modules', layers],
  ['lr', number(0, LARGEST)],
  ['max-bad-photos', number(0, 1)],
  ['max-bad-steps', whole(1, MOST_STEPS)],
  ['max-grad-norm', number(0, LARGEST)],
  ['max-steps', whole(0, MOST_STEPS)],
  ['model-name', anyText],
  ['optimizer', oneOf('adam', 'adamw')],
  ['precision', orElse('', oneOf('f32', 'bf16'))],
  ['sample-answers', whole(0, MOST_TOGETHER)],
  ['scheduler', oneOf('constant', 'linear', 'cosine')],
  ['seed', whole(0, 2n ** 64n - 1n)],
  ['select-best', oneOf('none', 'loss', 'macro-f1')],
  ['shuffle', flag],
  ['train', oneOf('lora', 'all', 'sight')],
  ['validation-file-name', fileName],
  ['warmup-ratio', number(0, 1)],
  ['weight-decay', number(0, LARGEST)],
]);

/** A value as the trainer reads it: SageMaker's Python SDK sends texts that are JSON once more. */
export function plainValue(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'string') {
      return value;
    }
    if (value === null) {
      return '';
    }
  } catch {
    // Most texts are no JSON.
  }
  return text.trim();
}

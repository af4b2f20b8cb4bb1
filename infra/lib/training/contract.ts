/**
 * What the trainer (`trainer/`) and its jobs agree on. The trainer is the truth; a test compares
 * these names with its sources.
 */

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

/** Every hyperparameter, as `trainer/README.md` explains them. */
export const HYPERPARAMETERS: readonly string[] = [
  'augment',
  'batch-size',
  'checkpoint-steps',
  'early-stopping-patience',
  'epochs',
  'feature-store-mib',
  'file-name',
  'fresh-qformer',
  'gradient-accumulation-steps',
  'group-by-length',
  'initial-adapter',
  'label-smoothing',
  'lora-alpha',
  'lora-dropout',
  'lora-r',
  'lora-target-modules',
  'lr',
  'max-bad-photos',
  'max-bad-steps',
  'max-grad-norm',
  'max-steps',
  'model-name',
  'optimizer',
  'precision',
  'sample-answers',
  'scheduler',
  'seed',
  'select-best',
  'shuffle',
  'train',
  'validation-file-name',
  'warmup-ratio',
  'weight-decay',
];

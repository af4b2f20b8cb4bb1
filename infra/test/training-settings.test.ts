import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { settingsWith } from './support.ts';
import { training } from './training-overrides.ts';

describe("training's settings", () => {
  const wrong: [string, Record<string, unknown>, RegExp][] = [
    ['an image', { containerImage: { build: 'rocm' } }, /training\.containerImage: must be .*cuda/],
    ['an instance', { instanceType: 'g5.2xlarge' }, /training\.instanceType: .*ml\.g5/],
    ['a score', { metric: 'held.f1' }, /training\.metric: .*held\.macro_f1.*"held\.f1"/],
    ['a threshold', { threshold: 60 }, /training\.threshold: .*it is 60/],
    ['a time', { maximumRuntimeHours: 700 }, /training\.maximumRuntimeHours: .*672.*700/],
    ['a topic', { approvalTopicArn: 'approvals' }, /training\.approvalTopicArn: must be the ARN/],
    [
      'a hyperparameter',
      { hyperparameters: { epoch: '3' } },
      /training\.hyperparameters\.epoch: must be left out: .*no such hyperparameter.*"3"/,
    ],
    ['a number', { hyperparameters: { epochs: 3 } }, /hyperparameters\.epochs: .*string.*it is 3/],
    [
      'no number',
      { hyperparameters: { lr: 'fast' } },
      /hyperparameters\.lr: must be a number from 0/,
    ],
    ...(
      [
        ['epochs', '0', 'a whole number from 1 to 1000000'],
        ['epochs', '2.5', 'a whole number'],
        ['seed', '18446744073709551616', 'a whole number from 0 to 18446744073709551615'],
        ['warmup-ratio', '1.01', 'a number from 0 to 1'],
        ['lr', 'NaN', 'a number from 0 to 1e38'],
        ['label-smoothing', '0.99999999', 'a number of at least 0 and below 1'],
        ['shuffle', 'maybe', 'true or false'],
        ['optimizer', 'sgd', 'one of adam, adamw'],
        ['precision', 'f16', 'one of f32, bf16'],
        ['file-name', '../vqa_train.csv', "a file's name"],
        ['initial-adapter', 'model/../x', 'a whole path'],
        ['lora-target-modules', ' , ', 'names of layers'],
      ] as const
    ).map(([name, value, allowed]): [string, Record<string, unknown>, RegExp] => [
      `${name} "${value}"`,
      { hyperparameters: { [name]: value } },
      new RegExp(`training\\.hyperparameters\\.${name}: must be ${allowed}`),
    ]),
    [
      'adapters of which nothing is trained',
      { hyperparameters: { train: 'all', 'lora-r': '4' } },
      /hyperparameters\.lora-r: must be left out where train is "all"/,
    ],
    [
      'an adapter on a Q-Former without knowledge',
      { hyperparameters: { 'fresh-qformer': 'true' } },
      /hyperparameters\.fresh-qformer: must be false where train is "lora"/,
    ],
    [
      'a choice by answers that nobody learns',
      { hyperparameters: { train: 'sight', 'select-best': 'macro-f1' } },
      /hyperparameters\.select-best: must be "loss" or "none"/,
    ],
    [
      'a wait',
      { maximumRuntimeHours: 24, maximumWaitHours: 12 },
      /training\.maximumWaitHours: must be at least .*\(24\).*it is 12/,
    ],
    [
      'no GPU',
      { containerImage: { build: 'cuda' }, instanceType: 'ml.c7i.4xlarge' },
      /training\.containerImage: "cuda" needs an instance with a GPU/,
    ],
  ];
  for (const [what, overrides, message] of wrong) {
    it(`refuses ${what} that can't be`, () => {
      assert.throws(() => settingsWith(training(overrides)), { message });
    });
  }

  it('take what the trainer takes', () => {
    for (const hyperparameters of [
      { lr: '1e-4', 'batch-size': ' 8 ', seed: '18446744073709551615', shuffle: 'Yes' },
      { optimizer: '"adamw"', precision: '', 'initial-adapter': 'adapter/shirts' },
      { train: 'sight', 'fresh-qformer': '1', 'select-best': 'loss', 'initial-adapter': '' },
    ]) {
      assert.doesNotThrow(() => settingsWith(training({ hyperparameters })));
    }
  });

  it('does not wait for instances that are not taken away', () => {
    const overrides = { spot: false, maximumRuntimeHours: 24, maximumWaitHours: 12 };
    assert.doesNotThrow(() => settingsWith(training(overrides)));
  });

  it('asks nothing of what is not there', () => {
    const overrides = { maximumRuntimeHours: 24, maximumWaitHours: 12 };
    assert.doesNotThrow(() => settingsWith({ training: overrides }));
  });
});

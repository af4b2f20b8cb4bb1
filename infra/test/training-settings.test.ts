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

  it('does not wait for instances that are not taken away', () => {
    const overrides = { spot: false, maximumRuntimeHours: 24, maximumWaitHours: 12 };
    assert.doesNotThrow(() => settingsWith(training(overrides)));
  });

  it('asks nothing of what is not there', () => {
    const overrides = { maximumRuntimeHours: 24, maximumWaitHours: 12 };
    assert.doesNotThrow(() => settingsWith({ training: overrides }));
  });
});

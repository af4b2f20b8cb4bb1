import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  EVALUATION,
  HYPERPARAMETERS,
  METRIC_DEFINITIONS,
  PREPARED,
  SCORES,
  TRAINING,
} from '../lib/training/contract.ts';
import { machineOf, stateOf } from './states.ts';
import { templateOf } from './support.ts';
import { training } from './training-overrides.ts';

const source = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe("trainer's contract", () => {
  it('has every metric that the trainer prints, in the words in which it does', () => {
    const texts = ['metrics.rs', 'metric_definitions.rs']
      .map((name) => `trainer/src/train/${name}`)
      .filter((path) => existsSync(new URL(`../../${path}`, import.meta.url)))
      .map(source);
    const printed = texts.flatMap((text) => [
      ...text.matchAll(/"([A-Za-z_][A-Za-z_0-9 ]*(?:: |=))(?:"|\{loss)/g),
    ]);
    assert.deepEqual(
      METRIC_DEFINITIONS.map(({ Regex }) => Regex).sort(),
      printed.map(([, words = '']) => `${words}([0-9\\.]+)`).sort(),
    );
  });

  it('knows every hyperparameter', () => {
    const [, table = ''] =
      /const DEFAULTS: .*? = \[(.*?)\];/s.exec(source('trainer/src/train/hyperparameters.rs')) ??
      [];
    const names = [...table.matchAll(/\("([a-z-]+)", /g)].map(([, name = '']) => name);
    assert(names.length > 30);
    assert.deepEqual([...HYPERPARAMETERS].sort(), names.sort());
  });

  it('gives training the channels and folders that it asks for', () => {
    const container = source('trainer/src/train/container.rs');
    const inputs = source('trainer/src/train/inputs.rs');
    for (const channel of Object.values(TRAINING.channels)) {
      assert(inputs.includes(`channel("${channel}")`), channel);
    }
    assert(container.includes('join("checkpoints")'));
    assert.equal(TRAINING.checkpoints, '/opt/ml/checkpoints');
  });

  it('reads what is prepared and evaluated', () => {
    assert(source('crates/catalogue/src/split.rs').includes(`"${PREPARED.training}"`));
    assert(source('crates/catalogue/src/split.rs').includes(`"${PREPARED.test}"`));
    assert(source('crates/catalogue/src/prepare/output.rs').includes(`"${PREPARED.withoutValue}"`));
    const summary = source('trainer/src/evaluate/summary.rs');
    assert(summary.includes(`FILE: &str = "${EVALUATION.summary}"`));
    assert(source('trainer/src/evaluate/mod.rs').includes(`"${EVALUATION.report}"`));
    for (const score of SCORES) {
      for (const member of score.split('.')) {
        assert.match(summary, new RegExp(`^    pub ${member}: `, 'm'), score);
      }
    }
  });

  it('calls the commands by flags that they have', () => {
    const { definition } = machineOf(
      templateOf(training()),
      'TrainingPipelineWorkflowStateMachine',
    );
    for (const [state, options] of [
      ['Evaluate', 'trainer/src/evaluate/options.rs'],
      ['Prepare', 'trainer/src/prepare.rs'],
    ] as const) {
      const begin = JSON.stringify(stateOf(definition, 'Begin').Assign);
      const text =
        JSON.stringify(stateOf(definition, state).Arguments) + (state === 'Prepare' ? begin : '');
      const flags = [...text.matchAll(/"--([a-z-]+)\\?"/g)].map(([, flag = '']) => flag);
      assert(flags.length > 1, state);
      for (const flag of flags) {
        const field = new RegExp(
          `^    (pub )?${flag.replaceAll('-', '_')}: |long = "${flag}"`,
          'm',
        );
        assert.match(source(options), field, `${state} --${flag}`);
      }
    }
    const cli = source('trainer/src/cli.rs');
    assert(
      cli.includes('Prepare(Box<PrepareArgs>)') && cli.includes('Evaluate(Box<EvaluateArgs>)'),
    );
  });
});

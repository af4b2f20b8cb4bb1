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
    assert.deepEqual([...HYPERPARAMETERS.keys()].sort(), names.sort());
  });

  it('takes for a hyperparameter what the trainer takes', () => {
    const text = source('trainer/src/train/hyperparameters.rs');
    const lora = source('crates/blip2/src/lora/config.rs');
    const constants = new Map(
      [...`${text}\n${lora}`.matchAll(/const ([A-Z_]+): [^=]+ = ([^;]+);/g)].map(
        ([, name = '', value = '']) => [name, value],
      ),
    );
    const named = (name: string) =>
      name.startsWith('"') ? name.slice(1, -1) : (constants.get(name) ?? '').slice(1, -1);
    // As the trainer's messages have numbers.
    const bound = (of: string) => {
      const written = constants.get(of.replace('LoraConfig::', '')) ?? of;
      switch (written) {
        case 'u64::MAX':
          return String(2n ** 64n - 1n);
        case '1 << 30':
          return String(2 ** 30);
        default:
          return String(Number(written.replaceAll('_', ''))).replace('e+', 'e');
      }
    };
    const expected = new Map<string, string>();
    for (const [, kind, name = '', range = ''] of text.matchAll(
      /\.(whole|number)\(\s*("[a-z-]+"|[A-Z_]+), (any\(\)|[^)]+)\)/g,
    )) {
      const [least = '', most = ''] = (range === 'any()' ? '0.0..=LARGEST' : range).split('..=');
      const what = kind === 'whole' ? 'a whole number' : 'a number';
      expected.set(named(name), `${what} from ${bound(least)} to ${bound(most)}`);
    }
    for (const [, name = ''] of text.matchAll(/self\.flag\("([a-z-]+)"\)/g)) {
      expected.set(name, 'true or false');
    }
    for (const [, name = ''] of text.matchAll(/self\.file\("([a-z-]+)"\)/g)) {
      expected.set(name, "a file's name");
    }
    assert(expected.size >= 22, String(expected.size));
    for (const [name, allowed] of expected) {
      assert.equal(HYPERPARAMETERS.get(name)?.allowed, allowed, name);
    }
    // Those of a few words each have them in the trainer's lists, and the others none.
    const words = [
      ...text.matchAll(/\("([a-z0-9-]+)", (?:SelectBest|NumberType|Shape|Algorithm|Some|None)/g),
    ].map(([, word = '']) => word);
    const ours = [...HYPERPARAMETERS.values()].flatMap(({ allowed }) =>
      allowed.startsWith('one of ') ? allowed.slice('one of '.length).split(', ') : [],
    );
    assert.deepEqual(ours.sort(), words.sort());
    const values = source('trainer/src/train/hyperparameter_values.rs');
    for (const name of ['label-smoothing', 'initial-adapter']) {
      assert(values.includes(HYPERPARAMETERS.get(name)?.allowed ?? '?'), name);
    }
    assert(text.includes(HYPERPARAMETERS.get('lora-target-modules')?.allowed ?? '?'));
    for (const [, name = '', value = ''] of text.matchAll(/^ {4}\("([a-z-]+)", "(.*)"\),$/gm)) {
      assert(HYPERPARAMETERS.get(name)?.holds(value), `the default of ${name}`);
    }
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

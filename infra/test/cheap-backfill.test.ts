import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { lostStates, machineOf, placeholders, stateOf } from './states.ts';
import {
  IMAGE_URI,
  type Overrides,
  permissions,
  settingsWith,
  statementsOf,
  templateOf,
} from './support.ts';

const MACHINE = 'BackfillWorkflowStateMachine';
const STEPS = ['Questions', 'Prompts', 'Results'];

function cheaply(overrides: Record<string, unknown> = {}): Overrides {
  return {
    backfill: { enabled: true, cheaply: true, transformImage: { uri: IMAGE_URI }, ...overrides },
  };
}

/** Permissions without the endings of logical ids. */
function plain(texts: string[]): string[] {
  return texts
    .map((text) => text.replaceAll(/\$\{(\w+?)[0-9A-F]{8}(\.Arn|\.Name)?\}/g, '$1'))
    .sort();
}

describe('cheap backfill', () => {
  const template = templateOf(cheaply());
  const { definition, substitutions, text } = machineOf(template, MACHINE);

  it('is a way for executions that ask for it, and ends in the other one', () => {
    assert.equal(stateOf(definition, 'Begin').Next, 'WhichWay');
    const { Choices, Default } = stateOf(definition, 'WhichWay');
    assert.deepEqual(Choices, [
      { Condition: '{% $states.context.Execution.Input.cheaply = true %}', Next: 'Questions' },
    ]);
    assert.equal(Default, 'Describe');
    for (const name of ['AreThereQuestions', 'AreTherePrompts']) {
      assert.equal(stateOf(definition, name).Default, 'Describe');
    }
    assert.equal(stateOf(definition, 'Results').Next, 'Describe');
    const { definition: without } = machineOf(templateOf({ backfill: { enabled: true } }), MACHINE);
    assert.equal(stateOf(without, 'Begin').Next, 'Describe');
    assert(!Object.keys(without.States).some((name) => STEPS.includes(name)));
  });

  it('has no state that nothing leads to, and a value for every name', () => {
    assert.deepEqual(lostStates(definition), []);
    assert.deepEqual(Object.keys(substitutions).sort(), placeholders(text));
  });

  it("calls the function's steps by the names and members that it has", () => {
    const source = (path: string) =>
      readFileSync(new URL(`../../lambda/src/entrypoints/${path}`, import.meta.url), 'utf8');
    const steps = source('distributed_map/cheaply.rs');
    const input = source('distributed_map.rs');
    for (const name of STEPS) {
      const { ItemBatcher } = stateOf(definition, name) as unknown as {
        ItemBatcher: { BatchInput: Record<string, string> };
      };
      const { step, ...others } = ItemBatcher.BatchInput;
      assert.equal(step, name.toLowerCase());
      assert.match(steps, new RegExp(`^ {4}${name},$`, 'm'));
      for (const member of Object.keys(others)) {
        assert.match(input, new RegExp(`^ {4}${member}: Option<String>,$`, 'm'), member);
      }
    }
    assert.match(steps, /rename_all = "lowercase"/);
  });

  it('reads and writes the folders that the function does', () => {
    const steps = readFileSync(
      new URL('../../lambda/src/entrypoints/distributed_map/cheaply.rs', import.meta.url),
      'utf8',
    );
    for (const folder of ['questions', 'answers', 'prompts', 'texts']) {
      assert(text.includes(`${folder}/`), folder);
      assert(steps.includes(`"${folder}"`), folder);
    }
  });

  it('has the questions answered line by line', () => {
    const { Resource, Arguments = {} } = stateOf(definition, 'Answer');
    assert.equal(Resource, 'arn:aws:states:::sagemaker:createTransformJob.sync');
    assert.deepEqual(Arguments.TransformInput, {
      ContentType: 'application/jsonlines',
      SplitType: 'Line',
      DataSource: {
        S3DataSource: {
          S3DataType: 'S3Prefix',
          S3Uri: '{% "s3://${Bucket}/" & $run & "questions/" %}',
        },
      },
    });
    assert.deepEqual(Arguments.TransformResources, {
      InstanceType: 'ml.c7i.8xlarge',
      InstanceCount: 1,
    });
    const gpu = machineOf(templateOf(cheaply({ transformInstanceType: 'ml.g5.2xlarge' })), MACHINE);
    assert.deepEqual(stateOf(gpu.definition, 'Answer').Arguments?.TransformResources, {
      InstanceType: 'ml.g5.2xlarge',
      InstanceCount: 1,
      TransformAmiVersion: 'al2-ami-sagemaker-batch-gpu-535',
    });
  });

  it('waits for the texts, and says what became of them where there are none', () => {
    assert.equal(
      stateOf(definition, 'Write').Arguments?.ModelId,
      'global.anthropic.claude-sonnet-4-6',
    );
    const { Choices, Default } = stateOf(definition, 'AreTextsWritten');
    assert.deepEqual(
      Choices?.map(({ Next }) => Next),
      ['Results', 'WaitForTexts'],
    );
    assert.equal(Default, 'TextsNotWritten');
  });

  it('has a model of its own, which reads questions and writes answers', () => {
    template.resourceCountIs('AWS::SageMaker::Model', 2);
    template.hasResourceProperties('AWS::SageMaker::Model', {
      EnableNetworkIsolation: true,
      ExecutionRoleArn: {
        'Fn::GetAtt': [Match.stringLikeRegexp('^BackfillCheapTransformRole'), 'Arn'],
      },
    });
    const allowed = plain(permissions(statementsOf(template, 'BackfillCheapTransformPolicy')));
    assert.deepEqual(
      allowed.filter((one) => one.includes('CatalogueBucket')),
      [
        's3:AbortMultipartUpload → CatalogueBucket/backfill/*/answers/*',
        's3:GetObject → CatalogueBucket/backfill/*/questions/*',
        's3:ListBucket → CatalogueBucket',
        's3:PutObject → CatalogueBucket/backfill/*/answers/*',
      ],
    );
  });

  it('lets Bedrock read prompts and write texts, by the one model', () => {
    const profile = 'global.anthropic.claude-sonnet-4-6';
    assert.deepEqual(plain(permissions(statementsOf(template, 'BackfillCheapBatchPolicy'))), [
      `bedrock:InvokeModel → arn:\${AWS::Partition}:bedrock:\${AWS::Region}:\${AWS::AccountId}:inference-profile/${profile}`,
      'bedrock:InvokeModel → arn:${AWS::Partition}:bedrock:*::foundation-model/anthropic.claude-sonnet-4-6',
      's3:AbortMultipartUpload → CatalogueBucket/backfill/*/texts/*',
      's3:GetObject → CatalogueBucket/backfill/*/prompts/*',
      's3:ListBucket → CatalogueBucket',
      's3:PutObject → CatalogueBucket/backfill/*/texts/*',
    ]);
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: 'bedrock.amazonaws.com' },
            Condition: Match.objectLike({
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
            }),
          }),
        ],
      },
    });
  });

  it('lets the function read and write the files of runs, and no other run of anything', () => {
    const ofFiles = plain(permissions(statementsOf(template, 'DescribeRole'))).filter((one) =>
      one.includes('/backfill/'),
    );
    assert.deepEqual(ofFiles, [
      ...['answers', 'photos', 'prompts', 'questions', 'texts'].map(
        (folder) => `s3:GetObject → CatalogueBucket/backfill/*/${folder}/*`,
      ),
      ...['photos', 'prompts', 'questions'].map(
        (folder) => `s3:PutObject → CatalogueBucket/backfill/*/${folder}/*`,
      ),
    ]);
    const without = plain(
      permissions(statementsOf(templateOf({ backfill: { enabled: true } }), 'DescribeRole')),
    );
    assert(!without.some((one) => one.includes('/backfill/')));
  });

  it('may have both jobs done, and start the batches of every step', () => {
    const allowed = plain(permissions(statementsOf(template, 'BackfillPermissions')));
    for (const action of [
      'bedrock:CreateModelInvocationJob',
      'bedrock:GetModelInvocationJob',
      'iam:PassRole',
      'sagemaker:CreateTransformJob',
    ]) {
      assert(
        allowed.some((one) => one.startsWith(`${action} → `)),
        action,
      );
    }
    const batches = plain(permissions(statementsOf(template, 'BackfillMapPermissions')));
    for (const label of ['Describe', ...STEPS]) {
      assert(
        batches.some((one) => one.startsWith('states:RedriveExecution') && one.includes(label)),
        label,
      );
    }
  });

  it('refuses what batch services can not do', () => {
    const wrong: [Overrides, RegExp][] = [
      [cheaply({ batchModelId: 'amazon.nova-pro-v1:0' }), /backfill\.batchModelId: .*Anthropic/],
      [cheaply({ transformImage: { build: 'cuda' } }), /backfill\.transformImage: "cuda" needs/],
      [{ ...cheaply(), bedrock: { region: 'us-east-1' } }, /bedrock\.region: must be null where/],
      [
        { ...cheaply(), bedrock: { guardrail: { id: 'gr1abc', version: '1' } } },
        /bedrock\.guardrail: must be null where backfill\.cheaply/,
      ],
    ];
    for (const [overrides, message] of wrong) {
      assert.throws(() => settingsWith(overrides), { message });
    }
    const region = { bedrock: { region: 'us-east-1' } };
    assert.doesNotThrow(() => settingsWith({ ...region, backfill: { enabled: true } }));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { lostStates, machineOf, placeholders, stateOf } from './states.ts';
import { permissions, settingsWith, statementsOf, templateOf } from './support.ts';
import { training } from './training-overrides.ts';

const DEPLOYMENT = 'TrainingDeploymentWorkflowStateMachine';

describe('deployment of approved models', () => {
  const template = templateOf(training());
  const { definition, substitutions, text } = machineOf(template, DEPLOYMENT);

  it('begins when a model of the group is approved', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.sagemaker'],
        'detail-type': ['SageMaker Model Package State Change'],
        detail: {
          ModelApprovalStatus: ['Approved'],
          ModelPackageGroupName: [
            { 'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('^test-models-')])] },
          ],
        },
      },
      Targets: [{ Arn: { Ref: Match.stringLikeRegexp(`^${DEPLOYMENT}`) } }],
    });
  });

  it('updates the stack by its own template and the one parameter, so that nothing drifts', () => {
    const { Resource, Arguments = {} } = stateOf(definition, 'UpdateStack');
    assert.equal(Resource, 'arn:aws:states:::aws-sdk:cloudformation:updateStack');
    assert.equal(Arguments.UsePreviousTemplate, true);
    assert.match(
      String(Arguments.Parameters),
      /ParameterKey = "ModelDataUri" \? .*"ParameterValue": \$model.* : .*"UsePreviousValue": true/,
    );
    template.hasParameter('ModelDataUri', { Type: 'String' });
    assert.deepEqual(substitutions.Stack, { Ref: 'AWS::StackId' });
    assert.deepEqual(lostStates(definition), []);
    assert.deepEqual(Object.keys(substitutions).sort(), placeholders(text));
  });

  it('waits for other updates, and for the end of its own', () => {
    for (const [choice, wait] of [
      ['IsItNeeded', 'WaitForOthers'],
      ['HasItCome', 'Wait'],
    ] as const) {
      const [first] = stateOf(definition, choice).Choices ?? [];
      assert.deepEqual(first, {
        Condition: '{% $contains($status, "IN_PROGRESS") %}',
        Next: wait,
      });
    }
    assert.equal(stateOf(definition, 'HasItCome').Default, 'NotDeployed');
  });

  it('may look at the models of the group and update this stack, with its own template', () => {
    const statements = statementsOf(template, 'TrainingDeploymentPermissions');
    const allowed = permissions(statements).map((one) => one.replace(/test-models-.*/, 'GROUP'));
    assert.deepEqual(allowed, [
      'sagemaker:DescribeModelPackage → arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:model-package/GROUP',
      'cloudformation:DescribeStacks → ${AWS::StackId}',
      'cloudformation:UpdateStack → ${AWS::StackId}',
    ]);
    const update = statements.find(({ Action }) => Action === 'cloudformation:UpdateStack');
    assert.deepEqual(update?.Condition, {
      Null: { 'cloudformation:RoleArn': 'true', 'cloudformation:TemplateUrl': 'true' },
    });
  });

  it('has no parameter that whoever updates the stack would have to read elsewhere', () => {
    // CloudFormation resolves parameters of the Systems Manager with the rights of who calls it, at
    // every update, and the workflow has none there.
    const { Parameters = {} } = template.toJSON() as {
      Parameters?: Record<string, { readonly Type: string }>;
    };
    assert.deepEqual(
      Object.entries(Parameters).map(([name, { Type }]) => `${name}: ${Type}`),
      ['ModelDataUri: String'],
    );
  });

  it('is not there where the settings want to deploy by hand', () => {
    const byHand = templateOf(training({ deployApproved: false }));
    byHand.resourceCountIs('AWS::StepFunctions::StateMachine', 1);
    byHand.resourceCountIs('AWS::Events::Rule', 1);
  });

  it('needs the parameter, which settings that name the model leave out', () => {
    const endpoint = { modelDataUri: 's3://amzn-s3-demo-bucket/models/blip2/' };
    assert.throws(() => settingsWith({ ...training(), endpoint }), {
      message: /endpoint\.modelDataUri: must be null where training\.deployApproved is true/,
    });
    assert.doesNotThrow(() => settingsWith({ ...training({ deployApproved: false }), endpoint }));
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { assemblyFolder, permissions, stackOf, statementsOf, templateOf } from './support.ts';
import { training } from './training-overrides.ts';

const REPOSITORY = 'AWS::ECR::Repository';
const GROUP = 'AWS::SageMaker::ModelPackageGroup';

describe('training', () => {
  const template = templateOf(training());
  const bucketId = Object.keys(template.findResources('AWS::S3::Bucket')).find((id) =>
    id.startsWith('TrainingData'),
  );

  it('is not there unless it is asked for', () => {
    const without = templateOf();
    without.resourceCountIs(REPOSITORY, 0);
    without.resourceCountIs('AWS::StepFunctions::StateMachine', 0);
    assert.deepEqual(
      Object.keys(without.findResources('AWS::S3::Bucket')).filter((id) =>
        id.startsWith('Training'),
      ),
      [],
    );
  });

  it('keeps its data in a closed, encrypted bucket that forgets checkpoints', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketEncryption: Match.anyValue(),
        VersioningConfiguration: { Status: 'Enabled' },
        LoggingConfiguration: { LogFilePrefix: 'training/' },
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
        LifecycleConfiguration: {
          Rules: Match.arrayWith([
            Match.objectLike({ Prefix: 'checkpoints/', ExpirationInDays: 30 }),
          ]),
        },
      },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: { Ref: bucketId },
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    });
  });

  it('has repositories whose tags never move, whose images are scanned and old ones go', () => {
    template.resourceCountIs(REPOSITORY, 2);
    template.allResourcesProperties(REPOSITORY, {
      ImageTagMutability: 'IMMUTABLE',
      ImageScanningConfiguration: { ScanOnPush: true },
    });
    for (const { Properties } of Object.values(template.findResources(REPOSITORY))) {
      const { LifecyclePolicy } = Properties as {
        LifecyclePolicy: { LifecyclePolicyText: string };
      };
      const { rules } = JSON.parse(LifecyclePolicy.LifecyclePolicyText) as {
        rules: { selection: Record<string, unknown> }[];
      };
      assert.deepEqual(
        rules.map(({ selection }) => [selection.tagStatus, selection.countNumber]),
        [
          ['untagged', 7],
          ['any', 30],
        ],
      );
    }
  });

  it('keeps what was made when the stack goes, unless the settings say otherwise', () => {
    for (const type of [REPOSITORY, GROUP]) {
      template.allResources(type, { DeletionPolicy: 'Retain' });
    }
    const gone = templateOf(training({ removal: 'destroy' }));
    for (const type of [REPOSITORY, GROUP]) {
      gone.allResources(type, { DeletionPolicy: 'Delete' });
    }
    gone.allResourcesProperties(REPOSITORY, { EmptyOnDelete: true });
  });

  it('registers models in a group of the stack and of no other one of its name', () => {
    template.resourceCountIs(GROUP, 1);
    const [{ Properties } = { Properties: {} }] = Object.values(template.findResources(GROUP));
    const name = JSON.stringify(
      (Properties as { ModelPackageGroupName?: unknown }).ModelPackageGroupName,
    );
    assert.match(name, /test-models-/);
    assert.match(name, /AWS::StackId/);
  });

  it('lets a job fetch and leave what it has to, and nothing else', () => {
    const allowed = permissions(statementsOf(template, 'TrainingJobsPolicy')).map((text) =>
      text.replace(/\$\{(\w+?)[0-9A-F]{8}\.Arn\}/, '$1'),
    );
    const logs = (kind: string) =>
      ['CreateLogGroup', 'CreateLogStream', 'DescribeLogStreams', 'PutLogEvents'].flatMap(
        (action) =>
          ['', ':*'].map(
            (end) =>
              `logs:${action} → arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/sagemaker/${kind}${end}`,
          ),
      );
    assert.deepEqual(
      allowed.sort(),
      [
        'cloudwatch:PutMetricData → *',
        ...['BatchCheckLayerAvailability', 'BatchGetImage', 'GetDownloadUrlForLayer'].map(
          (action) =>
            `ecr:${action} → arn:\${AWS::Partition}:ecr:eu-west-1:111122223333:repository/lookbook/trainer`,
        ),
        'ecr:GetAuthorizationToken → *',
        ...logs('ProcessingJobs'),
        ...logs('TrainingJobs'),
        ...['runs', 'checkpoints'].flatMap((place) =>
          ['AbortMultipartUpload', 'PutObject'].map(
            (action) => `s3:${action} → TrainingDataBucket/${place}/*`,
          ),
        ),
        ...['catalogues', 'models', 'runs', 'checkpoints'].map(
          (place) => `s3:GetObject → TrainingDataBucket/${place}/*`,
        ),
        's3:ListBucket → TrainingDataBucket',
      ].sort(),
    );
  });

  it('tells where everything is', () => {
    const outputs = Object.keys(template.toJSON().Outputs as object);
    for (const name of [
      'TrainingBucketName',
      'TrainingStateMachineArn',
      'ModelPackageGroupName',
      'ModelServerRepositoryUri',
      'TrainerRepositoryUri',
    ]) {
      assert(outputs.includes(name), name);
    }
  });

  it('builds the image that the settings choose, or takes it from its own repository', () => {
    const stack = stackOf(training({ containerImage: { build: 'cuda' } }));
    const manifest = readFileSync(
      join(assemblyFolder(stack), `${stack.artifactId}.assets.json`),
      'utf8',
    );
    assert.match(manifest, /"dockerFile": "trainer\/Dockerfile\.cuda"/);
    const tagged = templateOf(training({ containerImage: { tag: '1.2.0' } }));
    const [allowed] = permissions(statementsOf(tagged, 'TrainingJobsPolicy')).filter((text) =>
      text.startsWith('ecr:BatchGetImage'),
    );
    assert.match(allowed ?? '', /\$\{TrainingImagesTrainer\w+\.Arn\}/);
  });
});

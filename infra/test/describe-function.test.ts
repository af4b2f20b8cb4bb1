import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { permissions, stackOf, statementsOf, templateOf } from './support.ts';

const FUNCTION = 'AWS::Lambda::Function';

describe('describe function', () => {
  const template = templateOf();

  it('runs the binary of the zip on Amazon Linux 2023', () => {
    template.hasResourceProperties(FUNCTION, {
      Runtime: 'provided.al2023',
      Handler: 'bootstrap',
      Architectures: ['x86_64'],
      MemorySize: 1024,
      Timeout: 60,
      LoggingConfig: Match.objectLike({ LogFormat: 'JSON' }),
    });
  });

  it('follows the settings', () => {
    templateOf({
      function: { architecture: 'arm64', memoryMib: 512, timeoutSeconds: 30 },
    }).hasResourceProperties(FUNCTION, {
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout: 30,
    });
  });

  it('is told what the infrastructure decides', () => {
    template.hasResourceProperties(FUNCTION, {
      Runtime: 'provided.al2023',
      Environment: {
        Variables: {
          ENDPOINT_NAME: 'endpoint-finetuned-blip2',
          BEDROCK_MODEL_IDS:
            'anthropic.claude-3-sonnet-20240229-v1:0,global.anthropic.claude-sonnet-4-6',
          BEDROCK_REGION: Match.absent(),
          INCOMING_PREFIX: 'incoming/',
          OUTPUT_PREFIX: 'descriptions/',
          PRODUCT_CONCURRENCY: '4',
        },
      },
    });
    templateOf({
      endpoint: { name: 'endpoint-b' },
      bedrock: { region: 'us-east-1', modelIds: ['eu.anthropic.claude-sonnet-4-6'] },
      function: { environment: { MAX_TOKENS: '300' } },
    }).hasResourceProperties(FUNCTION, {
      Environment: {
        Variables: Match.objectLike({
          ENDPOINT_NAME: 'endpoint-b',
          BEDROCK_MODEL_IDS: 'eu.anthropic.claude-sonnet-4-6',
          BEDROCK_REGION: 'us-east-1',
          MAX_TOKENS: '300',
        }),
      },
    });
  });

  it('may do what it does and nothing else', () => {
    const bedrock = 'arn:${AWS::Partition}:bedrock';
    const profile = 'global.anthropic.claude-sonnet-4-6';
    const withoutIds = permissions(statementsOf(template, 'DescribeRole')).map((text) =>
      text.replace(/\$\{(\w+?)[0-9A-F]{8}\.Arn\}/, '$1'),
    );
    assert.deepEqual(withoutIds.sort(), [
      `bedrock:InvokeModel → ${bedrock}:\${AWS::Region}:\${AWS::AccountId}:inference-profile/${profile}`,
      `bedrock:InvokeModel → ${bedrock}:\${AWS::Region}::foundation-model/anthropic.claude-3-sonnet-20240229-v1:0`,
      `bedrock:InvokeModel → ${bedrock}:*::foundation-model/anthropic.claude-sonnet-4-6`,
      'logs:CreateLogStream → DescribeLogs',
      'logs:PutLogEvents → DescribeLogs',
      's3:GetObject → CatalogueBucket/descriptions/*',
      's3:GetObject → CatalogueBucket/incoming/*',
      's3:ListBucket → CatalogueBucket',
      's3:PutObject → CatalogueBucket/descriptions/*',
      'sagemaker:InvokeEndpoint → arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/endpoint-finetuned-blip2',
      'sqs:DeleteMessage → UploadsQueue',
      'sqs:GetQueueAttributes → DescribeFailures',
      'sqs:GetQueueAttributes → UploadsQueue',
      'sqs:GetQueueUrl → DescribeFailures',
      'sqs:ReceiveMessage → UploadsQueue',
      'sqs:SendMessage → DescribeFailures',
    ]);
  });

  it('names the endpoint as SageMaker does in ARNs, in lower case', () => {
    const allowed = permissions(
      statementsOf(templateOf({ endpoint: { name: 'Blip2-Prod' } }), 'DescribeRole'),
    );
    assert(allowed.some((text) => text.endsWith(':endpoint/blip2-prod')));
  });

  it('keeps the asynchronous invocations that fail, encrypted, for two weeks', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 2,
      DestinationConfig: {
        OnFailure: {
          Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DescribeFailures'), 'Arn'] },
        },
      },
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 24 * 60 * 60,
    });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: [
          Match.objectLike({
            Effect: 'Deny',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ],
      },
    });
  });

  it('says how to build the zip where it is missing', () => {
    assert.throws(() => stackOf({ function: { assetPath: 'no/such/bootstrap.zip' } }), {
      message: /no\/such\/bootstrap\.zip does not exist: build it with "make package"/,
    });
  });
});

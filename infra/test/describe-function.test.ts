import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import {
  asText,
  type Overrides,
  permissions,
  scratchFile,
  stackOf,
  statementsOf,
  templateOf,
} from './support.ts';

const FUNCTION = 'AWS::Lambda::Function';
const URL_RESOURCE = 'AWS::Lambda::Url';
/** The last part of the alias's ARN, which is its name. */
const OF_ALIAS = {
  'Fn::Select': [7, { 'Fn::Split': [':', { Ref: Match.stringLikeRegexp('^DescribeLive') }] }],
};
const GUARDRAIL = { id: 'gr1abc', version: '2' };

/** What the function may do, without the endings of logical ids. */
function allowed(template: Template): string[] {
  return permissions(statementsOf(template, 'DescribeRole'))
    .map((text) => text.replace(/\$\{(\w+?)[0-9A-F]{8}\.Arn\}/, '$1'))
    .sort();
}

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
          ENDPOINT_NAME: 'Test-blip2',
          INFERENCE_COMPONENT_NAME: Match.absent(),
          BEDROCK_MODEL_IDS:
            'anthropic.claude-3-sonnet-20240229-v1:0,global.anthropic.claude-sonnet-4-6',
          BEDROCK_REGION: Match.absent(),
          BEDROCK_API: 'invoke',
          GUARDRAIL_ID: Match.absent(),
          GUARDRAIL_VERSION: Match.absent(),
          INCOMING_PREFIX: 'incoming/',
          OUTPUT_PREFIX: 'descriptions/',
          FAILURE_PREFIX: 'failures/',
          CLAIM_PREFIX: 'claims/',
          IDEMPOTENCY_LOCATION: Match.anyValue(),
          PRODUCT_CONCURRENCY: '4',
          RESPONSE_MODE: 'buffered',
        },
      },
    });
    templateOf({
      endpoint: { name: 'endpoint-b' },
      bedrock: {
        region: 'us-east-1',
        modelIds: ['us.anthropic.claude-sonnet-4-6'],
        api: 'converse',
        guardrail: GUARDRAIL,
      },
      function: { environment: { MAX_TOKENS: '300' } },
    }).hasResourceProperties(FUNCTION, {
      Environment: {
        Variables: Match.objectLike({
          ENDPOINT_NAME: 'endpoint-b',
          BEDROCK_MODEL_IDS: 'us.anthropic.claude-sonnet-4-6',
          BEDROCK_REGION: 'us-east-1',
          BEDROCK_API: 'converse',
          GUARDRAIL_ID: 'gr1abc',
          GUARDRAIL_VERSION: '2',
          MAX_TOKENS: '300',
        }),
      },
    });
  });

  it('may do what it does and nothing else', () => {
    const bedrock = 'arn:${AWS::Partition}:bedrock';
    const profile = 'global.anthropic.claude-sonnet-4-6';
    assert.deepEqual(allowed(template), [
      `bedrock:InvokeModel → ${bedrock}:\${AWS::Region}:\${AWS::AccountId}:inference-profile/${profile}`,
      `bedrock:InvokeModel → ${bedrock}:\${AWS::Region}::foundation-model/anthropic.claude-3-sonnet-20240229-v1:0`,
      `bedrock:InvokeModel → ${bedrock}:*::foundation-model/anthropic.claude-sonnet-4-6`,
      'logs:CreateLogStream → DescribeLogs',
      'logs:PutLogEvents → DescribeLogs',
      's3:DeleteObject → CatalogueBucket/calls/*',
      's3:DeleteObject → CatalogueBucket/claims/*',
      's3:DeleteObject → CatalogueBucket/failures/*',
      's3:GetObject → CatalogueBucket/calls/*',
      's3:GetObject → CatalogueBucket/claims/*',
      's3:GetObject → CatalogueBucket/descriptions/*',
      's3:GetObject → CatalogueBucket/failures/*',
      's3:GetObject → CatalogueBucket/incoming/*',
      's3:ListBucket → CatalogueBucket',
      's3:PutObject → CatalogueBucket/calls/*',
      's3:PutObject → CatalogueBucket/claims/*',
      's3:PutObject → CatalogueBucket/descriptions/*',
      's3:PutObject → CatalogueBucket/failures/*',
      'sagemaker:InvokeEndpoint → arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:endpoint/test-blip2',
      'sqs:DeleteMessage → UploadsQueue',
      'sqs:GetQueueAttributes → DescribeFailures',
      'sqs:GetQueueAttributes → UploadsQueue',
      'sqs:GetQueueUrl → DescribeFailures',
      'sqs:ReceiveMessage → UploadsQueue',
      'sqs:SendMessage → DescribeFailures',
      'xray:PutTelemetryRecords → *',
      'xray:PutTraceSegments → *',
    ]);
  });

  it('is traced by X-Ray unless the settings say otherwise, and may send traces only then', () => {
    template.hasResourceProperties(FUNCTION, {
      Handler: 'bootstrap',
      TracingConfig: { Mode: 'Active' },
    });
    const passing = templateOf({ function: { tracing: 'pass-through' } });
    passing.hasResourceProperties(FUNCTION, {
      Handler: 'bootstrap',
      TracingConfig: Match.absent(),
    });
    assert.deepEqual(
      allowed(passing),
      allowed(template).filter((text) => !text.startsWith('xray:')),
    );
  });

  it('may use the guardrail of the settings, in the region of Bedrock, and no other', () => {
    const without = new Set(allowed(template));
    const added = (id: string) =>
      allowed(
        templateOf({
          bedrock: { region: 'us-east-1', guardrail: { ...GUARDRAIL, id } },
        }),
      ).filter((text) => !without.has(text) && !text.startsWith('bedrock:InvokeModel '));
    assert.deepEqual(added('gr1abc'), [
      'bedrock:ApplyGuardrail → arn:${AWS::Partition}:bedrock:us-east-1:${AWS::AccountId}:guardrail/gr1abc',
    ]);
    const arn = 'arn:aws:bedrock:us-east-1:111122223333:guardrail/gr1abc';
    assert.deepEqual(added(arn), [`bedrock:ApplyGuardrail → ${arn}`]);
  });

  it('has a URL for signed requests where the settings say so, and answers as it is called', () => {
    template.resourceCountIs(URL_RESOURCE, 0);
    for (const [url, InvokeMode] of [
      ['buffered', 'BUFFERED'],
      ['stream', 'RESPONSE_STREAM'],
    ] as const) {
      const withUrl = templateOf({ function: { url } });
      withUrl.resourceCountIs(URL_RESOURCE, 1);
      withUrl.hasResourceProperties(URL_RESOURCE, {
        AuthType: 'AWS_IAM',
        InvokeMode,
        Qualifier: 'live',
      });
      withUrl.hasResourceProperties(FUNCTION, {
        Environment: { Variables: Match.objectLike({ RESPONSE_MODE: url }) },
      });
      withUrl.hasOutput('FunctionUrl', {});
      // The API's permission is the only one: callers of the URL need theirs by their own policies.
      withUrl.resourceCountIs('AWS::Lambda::Permission', 1);
    }
  });

  it('may have texts streamed where its URL streams, by the same models', () => {
    const invoke = 'bedrock:InvokeModel ';
    const usual = allowed(template);
    assert.deepEqual(allowed(templateOf({ function: { url: 'buffered' } })), usual);
    const streaming = allowed(templateOf({ function: { url: 'stream' } }));
    assert.deepEqual(
      streaming.filter((text) => !usual.includes(text)),
      usual
        .filter((text) => text.startsWith(invoke))
        .map((text) => text.replace(invoke, 'bedrock:InvokeModelWithResponseStream ')),
    );
    assert.deepEqual(
      usual.filter((text) => !streaming.includes(text)),
      [],
    );
  });

  it('keeps answers to calls in the bucket where the settings say so', () => {
    const keeping = templateOf({
      api: { idempotencyDays: 2 },
      catalogue: { callsPrefix: 'answers/' },
    });
    keeping.hasResourceProperties(FUNCTION, {
      Environment: {
        Variables: {
          IDEMPOTENCY_LOCATION: {
            'Fn::Join': [
              '',
              ['s3://', { Ref: Match.stringLikeRegexp('^CatalogueBucket') }, '/answers/'],
            ],
          },
        },
      },
    });
    const none = templateOf({ api: { idempotencyDays: null } });
    none.hasResourceProperties(FUNCTION, {
      Environment: { Variables: Match.objectLike({ IDEMPOTENCY_LOCATION: Match.absent() }) },
    });
    const without = new Set(allowed(none));
    assert.deepEqual(
      allowed(keeping).filter((text) => !without.has(text)),
      ['DeleteObject', 'GetObject', 'PutObject'].map(
        (action) => `s3:${action} → CatalogueBucket/answers/*`,
      ),
    );
  });

  it('names the endpoint as SageMaker does in ARNs, in lower case', () => {
    const texts = allowed(templateOf({ endpoint: { name: 'Blip2-Prod' } }));
    assert(texts.some((text) => text.endsWith(':endpoint/blip2-prod')));
  });

  it('keeps the asynchronous invocations that fail, encrypted, for two weeks', () => {
    template.resourceCountIs('AWS::Lambda::EventInvokeConfig', 1);
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      Qualifier: OF_ALIAS,
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

  it('keeps them as dead letters too where the settings say so, and may send them only then', () => {
    const toDeadLetters = 'sqs:SendMessage → DescribeDeadLetters';
    assert(!allowed(template).includes(toDeadLetters));
    template.hasResourceProperties(FUNCTION, {
      Handler: 'bootstrap',
      DeadLetterConfig: Match.absent(),
    });
    const keeping = templateOf({ function: { deadLetterQueue: true } });
    keeping.hasResourceProperties(FUNCTION, {
      DeadLetterConfig: {
        TargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DescribeDeadLetters'), 'Arn'] },
      },
    });
    // The queue of failures stays what has the errors.
    keeping.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      DestinationConfig: {
        OnFailure: {
          Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DescribeFailures'), 'Arn'] },
        },
      },
    });
    keeping.hasOutput('FunctionDeadLetterQueueUrl', {
      Value: { Ref: Match.stringLikeRegexp('^DescribeDeadLetters') },
    });
    const without = new Set(allowed(template));
    assert.deepEqual(
      allowed(keeping).filter((text) => !without.has(text)),
      [toDeadLetters],
    );
  });

  it('is invoked by its alias only, whatever invokes it', () => {
    const withUrl = templateOf({ function: { url: 'buffered' } });
    const alias = '^DescribeLive';
    withUrl.resourceCountIs('AWS::Lambda::Alias', 1);
    withUrl.hasResourceProperties('AWS::Lambda::Alias', {
      Name: 'live',
      FunctionVersion: {
        'Fn::GetAtt': [Match.stringLikeRegexp('^DescribeFunctionCurrentVersion'), 'Version'],
      },
      ProvisionedConcurrencyConfig: Match.absent(),
    });
    withUrl.hasResourceProperties('AWS::Lambda::Permission', {
      FunctionName: { Ref: Match.stringLikeRegexp(alias) },
    });
    withUrl.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationUri: { Ref: Match.stringLikeRegexp(alias) },
    });
    const [mapping] = Object.values(withUrl.findResources('AWS::Lambda::EventSourceMapping')) as {
      Properties: { FunctionName: unknown };
    }[];
    assert.match(asText(mapping?.Properties.FunctionName), /DescribeLive.*:live$/);
    const { FunctionName } = withUrl.toJSON().Outputs as Record<string, { Value: unknown }>;
    assert.match(asText(FunctionName?.Value), /DescribeLive.*:live$/);
  });

  it('may run as often at a time as the endpoint has room for at most', () => {
    const reserved = (overrides: Overrides) => {
      const [describe] = Object.values(templateOf(overrides).findResources(FUNCTION));
      return (describe?.Properties as Record<string, unknown>).ReservedConcurrentExecutions;
    };
    assert.equal(reserved({}), 8);
    assert.equal(reserved({ endpoint: { instanceCount: 2 } }), 16);
    assert.equal(reserved({ endpoint: { productsPerInstance: 12 } }), 12);
    assert.equal(reserved({ scaling: { maximumInstances: 4 } }), 32);
    assert.equal(reserved({ function: { reservedConcurrency: 20 } }), 20);
    assert.equal(reserved({ function: { reservedConcurrency: 'none' } }), undefined);
  });

  it('finds started processes where the settings pay for them', () => {
    templateOf({ function: { provisionedConcurrency: 2 } }).hasResourceProperties(
      'AWS::Lambda::Alias',
      { ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 2 } },
    );
  });

  it('asks for the inference component where the endpoint has one, and may', () => {
    const sleeping = templateOf({ endpoint: { mode: 'scale-to-zero' } });
    sleeping.hasResourceProperties(FUNCTION, {
      Environment: {
        Variables: Match.objectLike({
          ENDPOINT_NAME: 'Test-blip2',
          INFERENCE_COMPONENT_NAME: 'test-blip2',
        }),
      },
    });
    const without = new Set(allowed(template));
    assert.deepEqual(
      allowed(sleeping).filter((text) => !without.has(text)),
      [
        'sagemaker:InvokeEndpoint → arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:inference-component/test-blip2',
      ],
    );
  });

  it('says how to build what it is made of where that is missing or something else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lookbook-asset-'));
    try {
      const wrong: [string, RegExp][] = [
        [
          'no/such/bootstrap.zip',
          /no\/such\/bootstrap\.zip does not exist: build it with "make package"/,
        ],
        [folder, /^function\.assetPath: .* has no file bootstrap: build it/],
        [
          scratchFile('bootstrap', ''),
          /^function\.assetPath: .* is neither a \.zip file nor a folder/,
        ],
      ];
      for (const [assetPath, message] of wrong) {
        assert.throws(() => stackOf({ function: { assetPath } }), { message });
      }
      writeFileSync(join(folder, 'bootstrap'), 'placeholder for the binary');
      assert.doesNotThrow(() => stackOf({ function: { assetPath: folder } }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

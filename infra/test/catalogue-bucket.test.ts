import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { templateOf } from './support.ts';

const BUCKET = 'AWS::S3::Bucket';

describe('catalogue bucket', () => {
  const template = templateOf();

  it('is encrypted, versioned, closed to the public and free of ACLs', () => {
    template.resourceCountIs(BUCKET, 1);
    template.hasResourceProperties(BUCKET, {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
        ],
      },
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
  });

  it('refuses requests without TLS or with TLS before 1.2', () => {
    const denied = (condition: object) =>
      Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: condition });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [
          denied({ Bool: { 'aws:SecureTransport': 'false' } }),
          denied({ NumericLessThan: { 's3:TlsVersion': 1.2 } }),
        ],
      },
    });
  });

  it('outlives the stack unless the settings say otherwise', () => {
    template.hasResource(BUCKET, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    templateOf({ catalogue: { removal: 'destroy' } }).hasResource(BUCKET, {
      DeletionPolicy: 'Delete',
    });
  });

  it('announces photos under the incoming prefix, and nothing else', () => {
    const filters = notificationFilters(
      templateOf({ catalogue: { incomingPrefix: 'photos/new/' } }),
    );
    assert.deepEqual(
      filters,
      ['.jpg', '.jpeg', '.png', '.webp'].map((suffix) => ({ prefix: 'photos/new/', suffix })),
    );
  });

  it('may invoke the function, for this bucket and account only', () => {
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      SourceAccount: { Ref: 'AWS::AccountId' },
      SourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Catalogue'), 'Arn'] },
    });
  });
});

interface Notifications {
  readonly NotificationConfiguration: {
    readonly LambdaFunctionConfigurations: {
      readonly Events: string[];
      readonly Filter: {
        readonly Key: { readonly FilterRules: { Name: string; Value: string }[] };
      };
    }[];
  };
}

function notificationFilters(template: ReturnType<typeof templateOf>): Record<string, string>[] {
  const [resource] = Object.values(template.findResources('Custom::S3BucketNotifications'));
  const { NotificationConfiguration } = resource?.Properties as Notifications;
  return NotificationConfiguration.LambdaFunctionConfigurations.map(({ Events, Filter }) => {
    assert.deepEqual(Events, ['s3:ObjectCreated:*']);
    return Object.fromEntries(Filter.Key.FilterRules.map(({ Name, Value }) => [Name, Value]));
  });
}

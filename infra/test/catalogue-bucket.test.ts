import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { templateOf } from './support.ts';

const BUCKET = 'AWS::S3::Bucket';
const RULE = 'AWS::Events::Rule';

/** The properties of the one bucket that the tests look into. */
function bucketOf(template: Template) {
  const [bucket] = Object.values(template.findResources(BUCKET));
  return bucket?.Properties as { LifecycleConfiguration: { Rules: object[] } };
}

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

  it('removes old versions of records of failures, and nothing that is in force', () => {
    const { LifecycleConfiguration } = bucketOf(template);
    assert.deepEqual(LifecycleConfiguration.Rules, [
      { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: 'Enabled' },
      {
        Prefix: 'failures/',
        NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        ExpiredObjectDeleteMarker: true,
        Status: 'Enabled',
      },
    ]);
  });

  it('removes answers to calls after the days of the settings', () => {
    const { LifecycleConfiguration } = bucketOf(templateOf({ api: { idempotencyDays: 2 } }));
    assert.deepEqual(LifecycleConfiguration.Rules.slice(2), [
      {
        Prefix: 'calls/',
        ExpirationInDays: 2,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        Status: 'Enabled',
      },
    ]);
  });

  it('announces photos under the incoming prefix to the queue, and nothing else', () => {
    const photos = templateOf({ catalogue: { incomingPrefix: 'photos/new/' } });
    photos.hasResourceProperties(BUCKET, {
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    photos.resourceCountIs(RULE, 1);
    photos.hasResourceProperties(RULE, {
      State: 'ENABLED',
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: {
          bucket: { name: [{ Ref: Match.stringLikeRegexp('^CatalogueBucket') }] },
          object: {
            key: ['.jpg', '.jpeg', '.png', '.webp'].map((suffix) => ({
              wildcard: `photos/new/*${suffix}`,
            })),
          },
        },
      },
      Targets: [
        {
          Id: Match.anyValue(),
          Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^UploadsQueue'), 'Arn'] },
          // What EventBridge could not deliver for a day; the event as it is, as the queue gets it.
          DeadLetterConfig: {
            Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^UploadsDeadLetters'), 'Arn'] },
          },
          InputPath: Match.absent(),
          Input: Match.absent(),
          InputTransformer: Match.absent(),
        },
      ],
    });
  });

  it('has no helper that registers notifications', () => {
    template.resourceCountIs('AWS::Lambda::Function', 1);
    template.resourceCountIs('Custom::S3BucketNotifications', 0);
  });
});

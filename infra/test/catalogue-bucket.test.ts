import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { permissions, statementsOf, templateOf } from './support.ts';

const BUCKET = 'AWS::S3::Bucket';
const RULE = 'AWS::Events::Rule';

/** The properties of the bucket whose logical id begins so. */
function bucketOf(template: Template, prefix = 'CatalogueBucket') {
  const [[, bucket] = []] = Object.entries(template.findResources(BUCKET)).filter(([id]) =>
    id.startsWith(prefix),
  );
  return bucket?.Properties as { LifecycleConfiguration: { Rules: object[] } };
}

describe('catalogue bucket', () => {
  const template = templateOf();

  it('is encrypted, versioned, closed to the public and free of ACLs', () => {
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
    template.allResources(BUCKET, { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    templateOf({ catalogue: { removal: 'destroy' } }).allResources(BUCKET, {
      DeletionPolicy: 'Delete',
    });
  });

  it('removes old versions, those of failures sooner, and claims that nobody gave back', () => {
    const { LifecycleConfiguration } = bucketOf(template);
    assert.deepEqual(LifecycleConfiguration.Rules, [
      { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: 'Enabled' },
      {
        NoncurrentVersionExpiration: { NoncurrentDays: 90 },
        ExpiredObjectDeleteMarker: true,
        Status: 'Enabled',
      },
      {
        Prefix: 'failures/',
        NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        ExpiredObjectDeleteMarker: true,
        Status: 'Enabled',
      },
      {
        Prefix: 'claims/',
        ExpirationInDays: 1,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        Status: 'Enabled',
      },
      {
        Prefix: 'calls/',
        ExpirationInDays: 1,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        Status: 'Enabled',
      },
    ]);
  });

  it('removes answers to calls after the days of the settings', () => {
    const { LifecycleConfiguration } = bucketOf(templateOf({ api: { idempotencyDays: 2 } }));
    assert.deepEqual(LifecycleConfiguration.Rules.slice(4), [
      {
        Prefix: 'calls/',
        ExpirationInDays: 2,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        Status: 'Enabled',
      },
    ]);
  });

  it('keeps old versions for good, or photos and failures for a time, where that is asked for', () => {
    const rules = (catalogue: object) =>
      bucketOf(
        templateOf({ api: { idempotencyDays: null }, catalogue: { ...catalogue } }),
      ).LifecycleConfiguration.Rules.slice(1);
    assert.deepEqual(rules({ replacedDays: null }), [
      {
        Prefix: 'failures/',
        NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        ExpiredObjectDeleteMarker: true,
        Status: 'Enabled',
      },
      {
        Prefix: 'claims/',
        ExpirationInDays: 1,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        Status: 'Enabled',
      },
    ]);
    assert.deepEqual(rules({ replacedDays: 14, incomingDays: 60, failuresDays: 180 }), [
      {
        NoncurrentVersionExpiration: { NoncurrentDays: 14 },
        ExpiredObjectDeleteMarker: true,
        Status: 'Enabled',
      },
      { Prefix: 'incoming/', ExpirationInDays: 60, Status: 'Enabled' },
      {
        Prefix: 'failures/',
        ExpirationInDays: 180,
        NoncurrentVersionExpiration: { NoncurrentDays: 14 },
        Status: 'Enabled',
      },
      {
        Prefix: 'claims/',
        ExpirationInDays: 1,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        Status: 'Enabled',
      },
    ]);
  });

  it('is encrypted by a key of its own where that is asked for, which the function may use', () => {
    template.resourceCountIs('AWS::KMS::Key', 0);
    const withKey = templateOf({ catalogue: { encryption: 'kms' } });
    withKey.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
    withKey.hasResourceProperties(BUCKET, {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: {
              SSEAlgorithm: 'aws:kms',
              KMSMasterKeyID: { 'Fn::GetAtt': [Match.stringLikeRegexp('^CatalogueKey'), 'Arn'] },
            },
          },
        ],
      },
    });
    const ofKey = permissions(statementsOf(withKey, 'DescribeRole')).filter((text) =>
      text.startsWith('kms:'),
    );
    assert.deepEqual(
      ofKey.map((text) => text.replace(/\$\{CatalogueKey\w+\.Arn\}/, 'key')),
      ['kms:Decrypt → key', 'kms:GenerateDataKey → key'],
    );
  });

  it('has its access logs in a bucket of their own, as long as other logs are kept', () => {
    template.resourceCountIs(BUCKET, 2);
    template.hasResourceProperties(BUCKET, {
      LoggingConfiguration: {
        DestinationBucketName: { Ref: Match.stringLikeRegexp('^AccessLogsBucket') },
        LogFilePrefix: 'catalogue/',
      },
    });
    // As closed as the other.
    template.allResourcesProperties(BUCKET, {
      BucketEncryption: Match.anyValue(),
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      PublicAccessBlockConfiguration: Match.objectLike({ RestrictPublicBuckets: true }),
      AccessControl: Match.absent(),
    });
    const expiration = (logRetentionDays: number) =>
      bucketOf(templateOf({ stack: { logRetentionDays } }), 'AccessLogsBucket')
        .LifecycleConfiguration.Rules;
    const abort = { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } };
    assert.deepEqual(expiration(60), [{ ...abort, ExpirationInDays: 60, Status: 'Enabled' }]);
    // CloudWatch's number for "for ever".
    assert.deepEqual(expiration(9999), [{ ...abort, Status: 'Enabled' }]);
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

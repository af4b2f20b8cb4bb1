import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { type IRuleTarget, Match, Rule } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { EndpointPlace } from './model-endpoint.ts';

/** The forms of photo that the model server reads. EventBridge compares them case by case. */
const PHOTO_SUFFIXES = ['.jpg', '.jpeg', '.png', '.webp'];

/** What is kept under a prefix for a time. */
export interface KeptFor {
  /** What the keys begin with; ends with "/". */
  readonly prefix: string;
  readonly keptFor: Duration;
}

/** Settings of a {@link CatalogueBucket}. */
export interface CatalogueBucketProps {
  /** Where photos arrive, as `<prefix><product_id>.<suffix>`; ends with "/". */
  readonly incomingPrefix: string;
  /** Where descriptions are written, as `<prefix><product_id>.json`; ends with "/". */
  readonly descriptionsPrefix: string;
  /** Where records of what could not be described are kept; ends with "/". */
  readonly failuresPrefix: string;
  /**
   * Where the function claims products (its CLAIM_PRODUCTS) as long as it works on them; ends with
   * "/".
   */
  readonly claimsPrefix: string;
  /**
   * For how long photos are kept.
   *
   * @default - for good
   */
  readonly incomingKeptFor?: Duration;
  /**
   * For how long records of failures are kept.
   *
   * @default - until the product is described
   */
  readonly failuresKeptFor?: Duration;
  /**
   * For how long what was replaced or removed is kept as an old version.
   *
   * @default - for good
   */
  readonly replacedKeptFor?: Duration;
  /**
   * Where answers to calls with an idempotency key are kept.
   *
   * @default - nowhere
   */
  readonly calls?: KeptFor;
  /**
   * Where the endpoint keeps what it was asked and what it answered.
   *
   * @default - nowhere
   */
  readonly captures?: KeptFor;
  /**
   * Where requests to an asynchronous endpoint and its answers lie.
   *
   * @default - nowhere
   */
  readonly asynchronous?: KeptFor;
  /** `kms`: by a key of the stack's own, which is renewed every year. `s3`: by S3's key. */
  readonly encryption: 's3' | 'kms';
  /** Who asked for what is written there. */
  readonly accessLogs: IBucket;
  /** What becomes of the bucket when it leaves the stack. An emptied bucket alone can be destroyed. */
  readonly removalPolicy: RemovalPolicy;
}

/** For how long claims are kept that nobody gave back. They hold for minutes, S3 counts in days. */
const CLAIMS_KEPT_FOR = Duration.days(1);

/** What reading and writing objects needs of the key that they are encrypted by. */
const USE_OF_KEY = ['kms:Decrypt', 'kms:GenerateDataKey'];

/** The bucket of photos and descriptions: private, encrypted, versioned, reached by TLS only. */
export class CatalogueBucket extends Construct {
  readonly bucket: Bucket;
  private readonly props: CatalogueBucketProps;

  constructor(scope: Construct, id: string, props: CatalogueBucketProps) {
    super(scope, id);
    this.props = props;
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      ...(props.encryption === 's3'
        ? { encryption: BucketEncryption.S3_MANAGED }
        : {
            encryption: BucketEncryption.KMS,
            // Without its key the bucket is lost: it stays as long as the bucket does.
            encryptionKey: new Key(this, 'Key', {
              description: 'Photos and descriptions of the catalogue bucket',
              enableKeyRotation: true,
              removalPolicy: props.removalPolicy,
            }),
            // One call of KMS for many objects.
            bucketKeyEnabled: true,
          }),
      serverAccessLogsBucket: props.accessLogs,
      serverAccessLogsPrefix: 'catalogue/',
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      versioned: true,
      lifecycleRules: lifecycleRules(props),
      removalPolicy: props.removalPolicy,
    });
    // Not by the construct's own property, for which CDK adds a function with a role to the stack;
    // CloudFormation needs none.
    (this.bucket.node.defaultChild as CfnBucket).notificationConfiguration = {
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
  }

  /** Tells the target of each photo that arrives. What the function writes matches no pattern. */
  announcePhotos(target: IRuleTarget): void {
    const { incomingPrefix } = this.props;
    new Rule(this, 'Photos', {
      description: 'Photos that arrive in the catalogue bucket',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [this.bucket.bucketName] },
          object: {
            key: PHOTO_SUFFIXES.flatMap((suffix) => Match.wildcard(`${incomingPrefix}*${suffix}`)),
          },
        },
      },
      targets: [target],
    });
  }

  /** The place of answers to calls as the function takes it; `undefined` where none are kept. */
  get callsLocation(): string | undefined {
    const { calls } = this.props;
    return calls && `s3://${this.bucket.bucketName}/${calls.prefix}`;
  }

  /**
   * Allows reading photos, reading and writing descriptions, and beside that removing what is kept
   * of failures, of claims and of calls. To write over a known state or to remove one, S3 wants the
   * right to read it as well.
   */
  grantDescribe(grantee: IGrantable): void {
    const objects = (prefix: string) => this.objectsUnder(prefix);
    const { incomingPrefix, descriptionsPrefix, failuresPrefix, claimsPrefix, calls } = this.props;
    const beside = [failuresPrefix, claimsPrefix, ...(calls === undefined ? [] : [calls.prefix])];
    const kept = beside.map(objects);
    const written = [objects(descriptionsPrefix), ...kept];
    const read = [objects(incomingPrefix), ...written];
    Grant.addToPrincipal({ grantee, actions: ['s3:GetObject'], resourceArns: read });
    Grant.addToPrincipal({ grantee, actions: ['s3:PutObject'], resourceArns: written });
    Grant.addToPrincipal({ grantee, actions: ['s3:DeleteObject'], resourceArns: kept });
    // Without it S3 answers 403 instead of 404 for a missing key. It can't be narrowed to the
    // prefixes: the condition key s3:prefix is absent when an object is asked for.
    Grant.addToPrincipal({
      grantee,
      actions: ['s3:ListBucket'],
      resourceArns: [this.bucket.bucketArn],
    });
    this.bucket.encryptionKey?.grant(grantee, ...USE_OF_KEY);
  }

  /** Where the endpoint writes what it captures, if it does. */
  get capturePlace(): EndpointPlace | undefined {
    return this.placeOf(this.props.captures, (objects) => [
      new PolicyStatement({ actions: ['s3:PutObject'], resources: [objects] }),
    ]);
  }

  /** Where an asynchronous endpoint reads requests and writes answers, if it does. */
  get asynchronousPlace(): EndpointPlace | undefined {
    return this.placeOf(this.props.asynchronous, (objects) => [
      new PolicyStatement({
        actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
        resources: [objects],
      }),
      // As above: a request that is not there is to be a 404.
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [this.bucket.bucketArn] }),
    ]);
  }

  /** What a role needs besides to read and write objects, where the bucket has a key of its own. */
  keyStatements(): PolicyStatement[] {
    const { encryptionKey } = this.bucket;
    return encryptionKey === undefined
      ? []
      : [new PolicyStatement({ actions: USE_OF_KEY, resources: [encryptionKey.keyArn] })];
  }

  private placeOf(
    kept: KeptFor | undefined,
    statements: (objects: string) => PolicyStatement[],
  ): EndpointPlace | undefined {
    return (
      kept && {
        uri: `s3://${this.bucket.bucketName}/${kept.prefix}`,
        statements: [...statements(this.objectsUnder(kept.prefix)), ...this.keyStatements()],
      }
    );
  }

  private objectsUnder(prefix: string): string {
    return this.bucket.arnForObjects(`${prefix}*`);
  }
}

/** What S3 removes. The bucket has versions: what is replaced or removed stays as one of them. */
function lifecycleRules(props: CatalogueBucketProps): LifecycleRule[] {
  const { failuresKeptFor, failuresPrefix, incomingKeptFor, incomingPrefix } = props;
  const { asynchronous, calls, captures, claimsPrefix, replacedKeptFor } = props;
  const claims: KeptFor = { prefix: claimsPrefix, keptFor: CLAIMS_KEPT_FOR };
  const rules: LifecycleRule[] = [{ abortIncompleteMultipartUploadAfter: Duration.days(7) }];
  if (replacedKeptFor !== undefined) {
    rules.push({
      noncurrentVersionExpiration: replacedKeptFor,
      // The mark of what was removed, once nothing else is left of it.
      expiredObjectDeleteMarker: true,
    });
  }
  if (incomingKeptFor !== undefined) {
    rules.push({ prefix: incomingPrefix, expiration: incomingKeptFor });
  }
  rules.push({
    // A record is written anew with every try, and goes when the product is described.
    prefix: failuresPrefix,
    noncurrentVersionExpiration: shorter(Duration.days(30), replacedKeptFor),
    // S3 takes one of the two only, and removes the marks that are as old as the expiration itself.
    ...(failuresKeptFor === undefined
      ? { expiredObjectDeleteMarker: true }
      : { expiration: failuresKeptFor }),
  });
  for (const kept of [claims, calls, captures, asynchronous]) {
    if (kept !== undefined) {
      rules.push({
        // The delete markers that this makes go with it: S3 removes those that are as old.
        prefix: kept.prefix,
        expiration: kept.keptFor,
        noncurrentVersionExpiration: Duration.days(1),
      });
    }
  }
  return rules;
}

function shorter(one: Duration, other: Duration | undefined): Duration {
  return other !== undefined && other.toDays() < one.toDays() ? other : one;
}

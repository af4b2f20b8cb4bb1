import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { type IRuleTarget, Match, Rule } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** The forms of photo that the model server reads. EventBridge compares them case by case. */
const PHOTO_SUFFIXES = ['.jpg', '.jpeg', '.png', '.webp'];

/** Answers that are kept for a time. */
export interface KeptCalls {
  /** What their keys begin with; ends with "/". */
  readonly prefix: string;
  readonly keptFor: Duration;
}

/** Settings of a {@link CatalogueBucket}. */
export interface CatalogueBucketProps {
  /** Where photos arrive, as `<prefix><product_id>.<suffix>`; ends with "/". */
  readonly incomingPrefix: string;
  /** Where descriptions are written, as `<prefix><product_id>.json`; ends with "/". */
  readonly descriptionsPrefix: string;
  /**
   * Where records of what could not be described are kept, and claims on products (the function's
   * CLAIM_PRODUCTS) as long as they are worked on; ends with "/".
   */
  readonly failuresPrefix: string;
  /**
   * Where answers to calls with an idempotency key are kept.
   *
   * @default - nowhere
   */
  readonly calls?: KeptCalls;
  /** What becomes of the bucket when it leaves the stack. An emptied bucket alone can be destroyed. */
  readonly removalPolicy: RemovalPolicy;
}

/** The bucket of photos and descriptions: private, encrypted, versioned, reached by TLS only. */
export class CatalogueBucket extends Construct {
  readonly bucket: Bucket;
  private readonly props: CatalogueBucketProps;

  constructor(scope: Construct, id: string, props: CatalogueBucketProps) {
    super(scope, id);
    this.props = props;
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
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
   * of failures and of calls. To write over a known state or to remove one, S3 wants the right to
   * read it as well.
   */
  grantDescribe(grantee: IGrantable): void {
    const objects = (prefix: string) => this.bucket.arnForObjects(`${prefix}*`);
    const { incomingPrefix, descriptionsPrefix, failuresPrefix, calls } = this.props;
    const kept = [failuresPrefix, ...(calls === undefined ? [] : [calls.prefix])].map(objects);
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
  }
}

/** What S3 removes. The bucket has versions: what is replaced or removed stays as one of them. */
function lifecycleRules({ failuresPrefix, calls }: CatalogueBucketProps): LifecycleRule[] {
  const rules: LifecycleRule[] = [
    { abortIncompleteMultipartUploadAfter: Duration.days(7) },
    {
      // A record is written anew with every try, and goes when the product is described.
      prefix: failuresPrefix,
      noncurrentVersionExpiration: Duration.days(30),
      expiredObjectDeleteMarker: true,
    },
  ];
  if (calls !== undefined) {
    rules.push({
      // The delete markers that this makes go with it: S3 removes those that are as old.
      prefix: calls.prefix,
      expiration: calls.keptFor,
      noncurrentVersionExpiration: Duration.days(1),
    });
  }
  return rules;
}

import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { type IRuleTarget, Match, Rule } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** The forms of photo that the model server reads. EventBridge compares them case by case. */
const PHOTO_SUFFIXES = ['.jpg', '.jpeg', '.png', '.webp'];

/** Settings of a {@link CatalogueBucket}. */
export interface CatalogueBucketProps {
  /** Where photos arrive, as `<prefix><product_id>.<suffix>`; ends with "/". */
  readonly incomingPrefix: string;
  /** Where descriptions are written, as `<prefix><product_id>.json`; ends with "/". */
  readonly descriptionsPrefix: string;
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
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(7) }],
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

  /** Allows reading photos, and reading and writing descriptions. */
  grantDescribe(grantee: IGrantable): void {
    const photos = this.bucket.arnForObjects(`${this.props.incomingPrefix}*`);
    const descriptions = this.bucket.arnForObjects(`${this.props.descriptionsPrefix}*`);
    Grant.addToPrincipal({
      grantee,
      actions: ['s3:GetObject'],
      resourceArns: [photos, descriptions],
    });
    Grant.addToPrincipal({ grantee, actions: ['s3:PutObject'], resourceArns: [descriptions] });
    // Without it S3 answers 403 instead of 404 for a missing key. It can't be narrowed to the
    // prefixes: the condition key s3:prefix is absent when an object is asked for.
    Grant.addToPrincipal({
      grantee,
      actions: ['s3:ListBucket'],
      resourceArns: [this.bucket.bucketArn],
    });
  }
}

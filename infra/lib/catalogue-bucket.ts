import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  EventType,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { LambdaDestination } from 'aws-cdk-lib/aws-s3-notifications';
import { Construct } from 'constructs';

/** The forms of photo that the model server reads. S3 compares them case by case. */
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
  }

  /** Invokes the function for each photo that arrives. What it writes itself matches no filter. */
  notifyOfPhotos(target: IFunction): void {
    for (const suffix of PHOTO_SUFFIXES) {
      this.bucket.addEventNotification(EventType.OBJECT_CREATED, new LambdaDestination(target), {
        prefix: this.props.incomingPrefix,
        suffix,
      });
    }
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

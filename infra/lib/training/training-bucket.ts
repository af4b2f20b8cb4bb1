import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { PLACES } from './places.ts';

/** Settings of a {@link TrainingBucket}. */
export interface TrainingBucketProps {
  /** How long the checkpoints of a run are of use. */
  readonly checkpointsKeptFor: Duration;
  /** Who asked for what is written there. */
  readonly accessLogs: IBucket;
  /** What becomes of the bucket when it leaves the stack. An emptied bucket alone can be destroyed. */
  readonly removalPolicy: RemovalPolicy;
}

/** The bucket of catalogues, checkpoints and trained models; as closed as the catalogue's. */
export class TrainingBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: TrainingBucketProps) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      serverAccessLogsBucket: props.accessLogs,
      serverAccessLogsPrefix: 'training/',
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      versioned: true,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(7) },
        // A checkpoint is some gigabytes: what was replaced by mistake has to be missed soon.
        { noncurrentVersionExpiration: Duration.days(30), expiredObjectDeleteMarker: true },
        {
          prefix: PLACES.checkpoints,
          expiration: props.checkpointsKeptFor,
          noncurrentVersionExpiration: Duration.days(1),
        },
      ],
      removalPolicy: props.removalPolicy,
    });
  }
}

import { Fn, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { CfnModel } from 'aws-cdk-lib/aws-sagemaker';

/**
 * A checkpoint in S3: the files under a prefix that ends with "/", or one `.tar.gz`.
 *
 * The address may be a stack parameter, whose value is known at deployment only; a parameter is
 * always a prefix.
 */
export class ModelData {
  private readonly uri: string;

  constructor(uri: string) {
    this.uri = uri;
  }

  /** How SageMaker fetches it into `/opt/ml/model`. */
  get source(): CfnModel.ModelDataSourceProperty {
    const isArchive = this.uri.endsWith('.tar.gz');
    return {
      s3DataSource: {
        s3Uri: this.uri,
        s3DataType: isArchive ? 'S3Object' : 'S3Prefix',
        compressionType: isArchive ? 'Gzip' : 'None',
      },
    };
  }

  /** The permission to fetch it, and nothing else of its bucket. */
  readStatements(stack: Stack): PolicyStatement[] {
    const path = Fn.select(1, Fn.split('s3://', this.uri));
    const bucketArn = `arn:${stack.partition}:s3:::${Fn.select(0, Fn.split('/', path))}`;
    const objectsArn = `arn:${stack.partition}:s3:::${path}`;
    return [
      new PolicyStatement({
        actions: ['s3:GetObject'],
        // The objects under the prefix: a checkpoint's shards have no names fixed beforehand.
        resources: [this.uri.endsWith('.tar.gz') ? objectsArn : `${objectsArn}*`],
      }),
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucketArn] }),
    ];
  }
}

import { Stack } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { jobLogStatement, metricsStatement, pullStatements } from '../sagemaker-permissions.ts';
import { PLACES } from './places.ts';

/** Settings of a {@link TrainingJobRole}. */
export interface TrainingJobRoleProps {
  readonly bucket: IBucket;
  /** Where the trainer's image is. */
  readonly repository: IRepository;
}

/**
 * What SageMaker may do for a job of the pipeline: fetch what the bucket has, put there what the job
 * leaves, and nothing else. The container itself has no network.
 */
export class TrainingJobRole extends Construct {
  readonly role: Role;
  /** The permissions, which SageMaker tries when a job is created. */
  readonly policy: Policy;

  constructor(scope: Construct, id: string, { bucket, repository }: TrainingJobRoleProps) {
    super(scope, id);
    const stack = Stack.of(this);
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com'),
      description: 'Runs the jobs that prepare, train and evaluate',
    });
    this.policy = new Policy(this, 'Policy', {
      roles: [this.role],
      statements: [
        new PolicyStatement({
          actions: ['s3:GetObject'],
          resources: Object.values(PLACES).map((place) => bucket.arnForObjects(`${place}*`)),
        }),
        new PolicyStatement({
          actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
          resources: [PLACES.runs, PLACES.checkpoints].map((place) =>
            bucket.arnForObjects(`${place}*`),
          ),
        }),
        new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
        ...pullStatements([repository]),
        jobLogStatement(stack, 'ProcessingJobs'),
        jobLogStatement(stack, 'TrainingJobs'),
        metricsStatement(),
      ],
    });
  }
}

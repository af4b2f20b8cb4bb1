import { ArnFormat, type Stack } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** The permission to pull the images of repositories, and nothing else. */
export function pullStatements(repositories: readonly IRepository[]): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: [
        'ecr:BatchCheckLayerAvailability',
        'ecr:BatchGetImage',
        'ecr:GetDownloadUrlForLayer',
      ],
      resources: repositories.map(({ repositoryArn }) => repositoryArn),
    }),
    // IAM knows no resource for it: the token is the registry's, not a repository's.
    new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
  ];
}

/** The permission to write SageMaker's own metrics. */
export function metricsStatement(): PolicyStatement {
  // IAM knows no resource for it; the condition confines it to SageMaker's own metrics.
  return new PolicyStatement({
    actions: ['cloudwatch:PutMetricData'],
    resources: ['*'],
    conditions: { StringLike: { 'cloudwatch:namespace': '/aws/sagemaker/*' } },
  });
}

/**
 * The permission to log a kind of job. All jobs of an account share the group, so that no stack can
 * own it.
 */
export function jobLogStatement(
  stack: Stack,
  kind: 'ProcessingJobs' | 'TrainingJobs' | 'TransformJobs',
): PolicyStatement {
  const group = stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: `/aws/sagemaker/${kind}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return new PolicyStatement({
    actions: [
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:DescribeLogStreams',
      'logs:PutLogEvents',
    ],
    // The group and the streams in it.
    resources: [group, `${group}:*`],
  });
}

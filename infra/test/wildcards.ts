/** A wildcard that a role is allowed in some variant of the settings. */
export interface Wildcard {
  readonly actions: readonly string[];
  readonly resource: RegExp;
  readonly reason: string;
}

/**
 * Every wildcard in what roles are allowed, with the reason. `policies.test.ts` finds no other in the
 * policies, and cdk-nag none either.
 */
export const WILDCARDS: readonly Wildcard[] = [
  {
    actions: ['ecr:GetAuthorizationToken'],
    resource: /^\*$/,
    reason: 'IAM knows no resource for it',
  },
  {
    actions: ['cloudwatch:PutMetricData'],
    resource: /^\*$/,
    reason: 'IAM knows no resource for it; a condition confines it to a namespace',
  },
  {
    actions: ['s3:GetObject'],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/incoming\/\*$/,
    reason: 'photos have the names of their products, which are not known beforehand',
  },
  {
    actions: ['s3:GetObject', 's3:PutObject'],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/descriptions\/\*$/,
    reason: 'results have the names of their products',
  },
  {
    actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/failures\/\*$/,
    reason: 'records of failures have the names of their products, and go when those are described',
  },
  {
    actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/calls\/\*$/,
    reason: 'answers to calls have the names of their keys',
  },
  {
    actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/asynchronous\/\*$/,
    reason: 'whoever asks names the request, and SageMaker the answer',
  },
  {
    actions: ['s3:PutObject'],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/captures\/\*$/,
    reason: 'SageMaker names what it captures',
  },
  {
    actions: ['s3:GetObject'],
    resource: /^arn:\$\{AWS::Partition\}:s3:::\{.*ModelDataUri.*\}\*$/,
    reason: 'the files of the checkpoint, wherever the parameter says',
  },
  {
    actions: ['s3:GetObject'],
    resource: /^arn:\$\{AWS::Partition\}:s3:::amzn-s3-demo-bucket\/models\/blip2\/\*$/,
    reason: 'the files of the checkpoint, where the setting says',
  },
  {
    actions: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
    resource: /^\S+:bedrock:\*::foundation-model\/[^*]+$/,
    reason: 'the regions of an inference profile; a condition confines it to that profile',
  },
  {
    actions: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
    resource: /^\S+:bedrock:\*::foundation-model\/\*$/,
    reason:
      "the model behind an application's own profile, whose name does not tell it; a condition confines it to that profile",
  },
];

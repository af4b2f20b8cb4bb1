/** A wildcard that a role is allowed in some variant of the settings. */
export interface Wildcard {
  readonly actions: readonly string[];
  readonly resource: RegExp;
  readonly reason: string;
}

/** A wildcard that a resource's own policy or permission allows others. */
export interface ResourceWildcard {
  /** Of `principal: action → what`. */
  readonly permission: RegExp;
  readonly reason: string;
}

/** Whether the wildcard is the one in `action → resource`. */
export function isOfRole({ actions, resource }: Wildcard, permission: string): boolean {
  const [action = '', of = ''] = permission.split(' → ');
  return actions.includes(action) && resource.test(of);
}

/** Whether the wildcard is the one in `principal: action → what`. */
export function isOfResource({ permission }: ResourceWildcard, text: string): boolean {
  return permission.test(text);
}

/** Every wildcard in what resources allow others, with the reason. */
export const RESOURCE_WILDCARDS: readonly ResourceWildcard[] = [
  {
    permission: /^\S*:iam::\$\{AWS::AccountId\}:root: kms:\* → \*$/,
    reason: 'the account governs its key by IAM; in the policy of a key "*" is that key',
  },
  {
    permission:
      /^logging\.s3\.amazonaws\.com: s3:PutObject → \$\{AccessLogs\w+\.Arn\}\/(catalogue|training)\/\*$/,
    reason: 'S3 names its logs itself; a condition confines it to the bucket that is logged',
  },
  {
    permission:
      /^apigateway\.amazonaws\.com: lambda:InvokeFunction → from \S+:execute-api:\S+:\$\{Api\w+\}\/\*\/\*\/\*$/,
    reason: "every stage and route of the stack's own API, which has routes to this function alone",
  },
];

/**
 * Every wildcard in what roles are allowed, with the reason. `policies.test.ts` finds no other in the
 * policies, and cdk-nag none either. `WILDCARDS.md` has them for readers.
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
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/claims\/\*$/,
    reason: 'claims have the names of their products, and go when the work on those is over',
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
  {
    actions: [
      'logs:CreateLogDelivery',
      'logs:GetLogDelivery',
      'logs:UpdateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:DescribeResourcePolicies',
      'logs:DescribeLogGroups',
    ],
    resource: /^\*$/,
    reason: 'a state machine that logs: IAM knows no resource for deliveries',
  },
  {
    actions: [
      'xray:PutTraceSegments',
      'xray:PutTelemetryRecords',
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
    ],
    resource: /^\*$/,
    reason: 'a function or state machine that is traced: IAM knows no resource for traces',
  },
  {
    actions: [
      'logs:CreateLogGroup',
      'logs:CreateLogStream',
      'logs:DescribeLogStreams',
      'logs:PutLogEvents',
    ],
    resource: /^\S+:log-group:\/aws\/sagemaker\/(Processing|Training|Transform)Jobs:\*$/,
    reason: 'the streams of a group that all jobs of the account share',
  },
  {
    actions: ['s3:GetObject'],
    resource: /^\$\{TrainingData\w+\.Arn\}\/(catalogues|models)\/\*$/,
    reason: 'whoever trains names the catalogues and the models to start from',
  },
  {
    actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
    resource: /^\$\{TrainingData\w+\.Arn\}\/(runs|checkpoints)\/\*$/,
    reason: 'what jobs of training leave has the names of their runs',
  },
  {
    actions: ['s3:GetObject'],
    resource: /^\$\{TrainingData\w+\.Arn\}\/runs\/\*\/evaluation\/summary\.json$/,
    reason: 'the scores of every run',
  },
  {
    actions: [
      'sagemaker:CreateProcessingJob',
      'sagemaker:DescribeProcessingJob',
      'sagemaker:StopProcessingJob',
      'sagemaker:CreateTrainingJob',
      'sagemaker:DescribeTrainingJob',
      'sagemaker:StopTrainingJob',
      'sagemaker:CreateTransformJob',
      'sagemaker:DescribeTransformJob',
      'sagemaker:StopTransformJob',
      'sagemaker:AddTags',
      'sagemaker:ListTags',
    ],
    resource: /^\S+:(processing|training|transform)-job\/test-[0-9a-f]{8}-\*$/,
    reason: 'the jobs of a workflow have the names of its runs',
  },
  {
    actions: ['sagemaker:CreateModelPackage', 'sagemaker:DescribeModelPackage'],
    resource: /^\S+:model-package\/test-models-.*\/\*$/,
    reason: "the models of the stack's group have numbers",
  },
  {
    actions: [
      's3:AbortMultipartUpload',
      's3:GetObject',
      's3:ListMultipartUploadParts',
      's3:PutObject',
    ],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/backfill\/\*$/,
    reason: 'what became of the batches of a backfill has the name of its execution',
  },
  {
    actions: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/backfill\/\*\/(answers|texts)\/\*$/,
    reason: 'what Batch Transform and Bedrock answer, in every run of the cheap way',
  },
  {
    actions: ['s3:GetObject', 's3:PutObject'],
    resource: /^\$\{CatalogueBucket\w+\.Arn\}\/backfill\/\*\/(photos|questions|prompts)\/\*$/,
    reason: 'what the cheap way asks, in every run',
  },
  {
    actions: ['states:DescribeExecution', 'states:StopExecution'],
    resource: /^\S+:execution:\$\{Backfill\w+\.Name\}:\*$/,
    reason: 'the executions of a backfill, to which Step Functions gives ids',
  },
  {
    actions: ['states:DescribeExecution', 'states:RedriveExecution', 'states:StopExecution'],
    resource: /^\S+:execution:\$\{Backfill\w+\.Name\}\/(Describe|Questions|Prompts|Results):\*$/,
    reason: 'the children of a Distributed Map, to which Step Functions gives ids',
  },
  {
    actions: ['states:DescribeMapRun'],
    resource: /^\S+:mapRun:\$\{Backfill\w+\.Name\}\/Describe:\*$/,
    reason: 'the runs of a Distributed Map, to which Step Functions gives ids',
  },
  {
    actions: ['bedrock:CreateModelInvocationJob', 'bedrock:GetModelInvocationJob'],
    resource: /^\S+:model-invocation-job\/\*$/,
    reason: 'jobs of batch inference, to which Bedrock gives ids',
  },
  {
    actions: ['bedrock:CreateModelInvocationJob'],
    resource: /^\S+:bedrock:\*::foundation-model\/[^*]+$/,
    reason: 'the regions of the profile that writes in batches',
  },
];

import { Stack } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { Workflow } from '../workflow.ts';
import { EVALUATION } from './contract.ts';
import type { TrainingJobRole } from './job-role.ts';
import { modelPackageArn, modelPackageGroupArn } from './model-registry.ts';
import { pipelineDefinition, type PipelineDefinitionProps } from './pipeline-definition.ts';
import { PLACES } from './places.ts';

/** Settings of a {@link TrainingPipeline}. */
export interface TrainingPipelineProps extends Omit<PipelineDefinitionProps, 'tells'> {
  readonly bucket: IBucket;
  readonly jobRole: TrainingJobRole;
  readonly trainerImageUri: string;
  /** The image that serves what is registered. */
  readonly modelServerImageUri: string;
  /** Where models are registered. */
  readonly modelGroupName: string;
  /**
   * Who is told of models that wait for approval, and of those that are not good enough.
   *
   * @default - nobody
   */
  readonly approvalTopic?: ITopic;
  readonly logRetention: RetentionDays;
  /**
   * Who is told when a run failed.
   *
   * @default - nobody; CloudWatch shows it
   */
  readonly alarmTopic?: ITopic;
}

/** The pipeline that makes models: jobs of SageMaker, one after the other, by Step Functions. */
export class TrainingPipeline extends Construct {
  readonly stateMachine: StateMachine;
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, props: TrainingPipelineProps) {
    super(scope, id);
    const { approvalTopic, bucket, jobRole, modelGroupName } = props;
    const workflow = new Workflow(this, 'Workflow', {
      description: 'Starts and follows the jobs of training, and registers models',
      definition: pipelineDefinition({ ...props, tells: approvalTopic !== undefined }),
      substitutions: {
        Bucket: bucket.bucketName,
        JobRole: jobRole.role.roleArn,
        TrainerImage: props.trainerImageUri,
        ModelServerImage: props.modelServerImageUri,
        ModelGroup: modelGroupName,
        ...(approvalTopic === undefined ? {} : { Topic: approvalTopic.topicArn }),
      },
      failure:
        'A run of the training pipeline failed: its execution says at which step and why; with the cause mended, redrive it',
      logRetention: props.logRetention,
      alarmTopic: props.alarmTopic,
    });
    this.stateMachine = workflow.stateMachine;
    this.alarm = workflow.alarm;
    const permissions = new Policy(this, 'Permissions', {
      roles: [workflow.role],
      statements: this.statements(props),
    });
    if (approvalTopic !== undefined) {
      Grant.addToPrincipal({
        grantee: workflow.role,
        actions: ['sns:Publish'],
        resourceArns: [approvalTopic.topicArn],
      });
    }
    // Whoever starts an execution at once finds that it may do its work.
    this.stateMachine.node.addDependency(permissions, jobRole.policy);
  }

  private statements({
    bucket,
    jobPrefix,
    jobRole,
    modelGroupName,
  }: TrainingPipelineProps): PolicyStatement[] {
    const stack = Stack.of(this);
    const job = (kind: 'processing-job' | 'training-job') =>
      stack.formatArn({ service: 'sagemaker', resource: kind, resourceName: `${jobPrefix}-*` });
    const rule = (kind: 'Processing' | 'Training') =>
      stack.formatArn({
        service: 'events',
        resource: 'rule',
        resourceName: `StepFunctionsGetEventsForSageMaker${kind}JobsRule`,
      });
    return [
      new PolicyStatement({
        actions: [
          'sagemaker:CreateProcessingJob',
          'sagemaker:DescribeProcessingJob',
          'sagemaker:StopProcessingJob',
        ],
        resources: [job('processing-job')],
      }),
      new PolicyStatement({
        actions: [
          'sagemaker:CreateTrainingJob',
          'sagemaker:DescribeTrainingJob',
          'sagemaker:StopTrainingJob',
        ],
        resources: [job('training-job')],
      }),
      // Step Functions marks the jobs that it waits for.
      new PolicyStatement({
        actions: ['sagemaker:AddTags', 'sagemaker:ListTags'],
        resources: [job('processing-job'), job('training-job')],
      }),
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [jobRole.role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
      }),
      // By these rules, which are its own, Step Functions hears that a job has ended.
      new PolicyStatement({
        actions: ['events:DescribeRule', 'events:PutRule', 'events:PutTargets'],
        resources: [rule('Processing'), rule('Training')],
      }),
      new PolicyStatement({
        actions: ['s3:GetObject'],
        resources: [bucket.arnForObjects(`${PLACES.runs}*/evaluation/${EVALUATION.summary}`)],
      }),
      new PolicyStatement({
        actions: ['sagemaker:CreateModelPackage'],
        resources: [
          modelPackageGroupArn(stack, modelGroupName),
          modelPackageArn(stack, modelGroupName),
        ],
      }),
    ];
  }
}

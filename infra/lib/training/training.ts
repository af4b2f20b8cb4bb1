import { type Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { CfnModelPackageGroup } from 'aws-cdk-lib/aws-sagemaker';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { jobPrefix } from '../job-names.ts';
import type { Settings } from '../settings.ts';
import { ApprovedDeployment } from './approved-deployment.ts';
import { ImageRepositories } from './image-repositories.ts';
import { TrainingJobRole } from './job-role.ts';
import { modelGroupName } from './model-registry.ts';
import type { PipelineDefinitionProps } from './pipeline-definition.ts';
import { trainerImage } from './trainer-image.ts';
import { TrainingBucket } from './training-bucket.ts';
import { TrainingPipeline } from './training-pipeline.ts';

/** Settings of {@link Training}. */
export interface TrainingProps extends Omit<PipelineDefinitionProps, 'jobPrefix' | 'tells'> {
  readonly containerImage: Settings['training']['containerImage'];
  /** The image that serves a registered model. */
  readonly modelServerImageUri: string;
  /**
   * Who is told of models that wait for approval.
   *
   * @default - nobody
   */
  readonly approvalTopic?: ITopic;
  /**
   * The stack's parameter that says which model the endpoint serves, for models to be deployed when
   * they are approved.
   *
   * @default - they are not
   */
  readonly modelDataParameter?: string;
  readonly keptImages: number;
  readonly checkpointsKeptFor: Duration;
  /** Who asked for what of the bucket. */
  readonly accessLogs: IBucket;
  /** What becomes of bucket, images and registered models when they leave the stack. */
  readonly removalPolicy: RemovalPolicy;
  readonly logRetention: RetentionDays;
  readonly alarmTopic?: ITopic;
}

/** Everything that makes models: bucket, repositories, registry, pipeline, deployment. */
export class Training extends Construct {
  readonly bucket: IBucket;
  readonly repositories: ImageRepositories;
  readonly modelGroupName: string;
  readonly stateMachine: StateMachine;
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: TrainingProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const { bucket } = new TrainingBucket(this, 'Data', {
      checkpointsKeptFor: props.checkpointsKeptFor,
      accessLogs: props.accessLogs,
      removalPolicy: props.removalPolicy,
    });
    this.bucket = bucket;
    this.repositories = new ImageRepositories(this, 'Images', {
      keptImages: props.keptImages,
      removalPolicy: props.removalPolicy,
    });
    this.modelGroupName = modelGroupName(stack);
    const group = new CfnModelPackageGroup(this, 'Models', {
      modelPackageGroupName: this.modelGroupName,
      modelPackageGroupDescription: `Models that the training pipeline of ${stack.stackName} made`,
    });
    group.applyRemovalPolicy(props.removalPolicy);
    const image = trainerImage(this, props.containerImage, this.repositories.trainer);
    const pipeline = new TrainingPipeline(this, 'Pipeline', {
      ...props,
      bucket,
      jobPrefix: jobPrefix(stack),
      jobRole: new TrainingJobRole(this, 'Jobs', { bucket, repository: image.repository }),
      trainerImageUri: image.uri,
      modelGroupName: this.modelGroupName,
    });
    this.stateMachine = pipeline.stateMachine;
    const deployment =
      props.modelDataParameter === undefined
        ? undefined
        : new ApprovedDeployment(this, 'Deployment', {
            modelGroupName: this.modelGroupName,
            modelDataParameter: props.modelDataParameter,
            logRetention: props.logRetention,
            alarmTopic: props.alarmTopic,
          });
    this.alarms = [pipeline.alarm, ...(deployment === undefined ? [] : [deployment.alarm])];
  }

  /** The outputs of the stack, by name: where everything is. */
  get outputs(): Record<string, string> {
    return {
      TrainingBucketName: this.bucket.bucketName,
      TrainingStateMachineArn: this.stateMachine.stateMachineArn,
      ModelPackageGroupName: this.modelGroupName,
      ModelServerRepositoryUri: this.repositories.modelServer.repositoryUri,
      TrainerRepositoryUri: this.repositories.trainer.repositoryUri,
    };
  }
}

import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { ModelImage } from '../model-image.ts';
import { hasGpu, type Settings } from '../settings.ts';
import { Training } from './training.ts';

/** What a stack that trains brings with it. */
export interface TrainingParts {
  readonly settings: Settings;
  /** The image that serves what is made. */
  readonly modelServerImage: ModelImage;
  /** The stack's parameter for the checkpoint. */
  readonly modelDataParameter: string;
  readonly accessLogs: IBucket;
  readonly alarmTopic: ITopic | undefined;
}

/** Training as the settings of a stack have it. */
export function trainingFrom(stack: Stack, parts: TrainingParts): Training {
  const { endpoint, stack: common, training } = parts.settings;
  const { approvalTopicArn } = training;
  return new Training(stack, 'Training', {
    containerImage: training.containerImage,
    instanceType: training.instanceType,
    prepareInstanceType: training.prepareInstanceType,
    volumeGib: training.volumeGib,
    spot: training.spot,
    maximumRuntime: Duration.hours(training.maximumRuntimeHours),
    maximumWait: Duration.hours(training.maximumWaitHours),
    device: hasGpu(training.instanceType) ? 'cuda' : 'cpu',
    hyperparameters: training.hyperparameters,
    metric: training.metric,
    threshold: training.threshold,
    modelServerImageUri: parts.modelServerImage.uri,
    approvalTopic:
      approvalTopicArn === null
        ? undefined
        : Topic.fromTopicArn(stack, 'ApprovalTopic', approvalTopicArn),
    // The rule of the settings has seen to it that there is the parameter.
    modelDataParameter:
      training.deployApproved && endpoint.modelDataUri === null
        ? parts.modelDataParameter
        : undefined,
    keptImages: training.keptImages,
    checkpointsKeptFor: Duration.days(training.checkpointDays),
    accessLogs: parts.accessLogs,
    removalPolicy: training.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    logRetention: common.logRetentionDays,
    alarmTopic: parts.alarmTopic,
  });
}

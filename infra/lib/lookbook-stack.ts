import {
  CfnOutput,
  CfnParameter,
  Duration,
  RemovalPolicy,
  Stack,
  type StackProps,
} from 'aws-cdk-lib';
import { Architecture, type Function, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Backfill, type CheapProps } from './backfill/backfill.ts';
import { parseBedrockModel } from './bedrock-model.ts';
import { CatalogueBucket } from './catalogue-bucket.ts';
import { DescribeFunction } from './describe-function.ts';
import { DescriptionsApi } from './descriptions-api.ts';
import { jobPrefix } from './job-names.ts';
import { ModelData } from './model-data.ts';
import { ModelEndpoint } from './model-endpoint.ts';
import { type ModelImage, modelImage } from './model-image.ts';
import { hasGpu, type Settings } from './settings.ts';
import { Training } from './training/training.ts';
import { UploadQueue } from './upload-queue.ts';

/** Paths in the settings are relative to the folder of the CDK app. */
const APP_FOLDER = fileURLToPath(new URL('..', import.meta.url));

/** The stack's parameter for the checkpoint, where the settings leave it open. */
const MODEL_DATA_PARAMETER = 'ModelDataUri';

/** Settings of a {@link LookbookStack}. */
export interface LookbookStackProps extends StackProps {
  readonly settings: Settings;
}

/** Everything that describes products: bucket, queue, endpoint, function and API, joined. */
export class LookbookStack extends Stack {
  constructor(scope: Construct, id: string, props: LookbookStackProps) {
    super(scope, id, props);
    const { settings } = props;
    const catalogue = this.catalogueBucket(settings);
    const image = modelImage(this, settings.endpoint.containerImage);
    const modelData = new ModelData(
      settings.endpoint.modelDataUri ?? this.modelDataParameter().valueAsString,
    );
    const endpoint = this.modelEndpoint(settings, image, modelData);
    const describe = this.describeFunction(settings, catalogue.callsLocation);
    const alarmTopic = this.topic('AlarmTopic', settings.stack.alarmTopicArn);
    const uploads = this.uploadQueue(settings, describe.function, alarmTopic);
    const api = new DescriptionsApi(this, 'Api', {
      handler: describe.function,
      authorization: settings.api.authorization,
      requestsPerSecond: settings.api.requestsPerSecond,
      burst: settings.api.burst,
      allowedOrigins: settings.api.allowedOrigins,
      logRetention: settings.stack.logRetentionDays,
    });

    endpoint.grantInvoke(describe.function);
    catalogue.grantDescribe(describe.function);
    catalogue.announcePhotos(uploads.target());

    new CfnOutput(this, 'CatalogueBucketName', { value: catalogue.bucket.bucketName });
    new CfnOutput(this, 'DescriptionsUrl', { value: api.url });
    new CfnOutput(this, 'EndpointName', { value: settings.endpoint.name });
    new CfnOutput(this, 'FunctionName', { value: describe.function.functionName });
    if (describe.url !== undefined) {
      new CfnOutput(this, 'FunctionUrl', { value: describe.url });
    }
    new CfnOutput(this, 'FailureQueueUrl', { value: describe.failures.queueUrl });
    new CfnOutput(this, 'UploadQueueUrl', { value: uploads.queue.queueUrl });
    new CfnOutput(this, 'UploadDeadLetterQueueUrl', { value: uploads.deadLetters.queueUrl });
    if (settings.training.enabled) {
      this.addTraining(settings, image, alarmTopic);
    }
    if (settings.backfill.enabled) {
      this.addBackfill(settings, catalogue, describe.function, modelData, alarmTopic);
    }
  }

  private catalogueBucket({ api, catalogue }: Settings): CatalogueBucket {
    return new CatalogueBucket(this, 'Catalogue', {
      incomingPrefix: catalogue.incomingPrefix,
      descriptionsPrefix: catalogue.descriptionsPrefix,
      failuresPrefix: catalogue.failuresPrefix,
      calls:
        api.idempotencyDays === null
          ? undefined
          : { prefix: catalogue.callsPrefix, keptFor: Duration.days(api.idempotencyDays) },
      removalPolicy: catalogue.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }

  private modelEndpoint(
    { endpoint, stack }: Settings,
    image: ModelImage,
    modelData: ModelData,
  ): ModelEndpoint {
    return new ModelEndpoint(this, 'Endpoint', {
      endpointName: endpoint.name,
      instanceType: endpoint.instanceType,
      instanceCount: endpoint.instanceCount,
      image,
      modelData,
      environment: endpoint.environment,
      inferenceAmiVersion: hasGpu(endpoint.instanceType)
        ? (endpoint.inferenceAmiVersion ?? undefined)
        : undefined,
      startupHealthCheckTimeout: Duration.seconds(endpoint.startupHealthCheckTimeoutSeconds),
      modelDataDownloadTimeout: Duration.seconds(endpoint.modelDataDownloadTimeoutSeconds),
      logRetention: stack.logRetentionDays,
    });
  }

  private describeFunction(
    settings: Settings,
    callsLocation: string | undefined,
  ): DescribeFunction {
    const { bedrock, catalogue, endpoint, function: describe, stack } = settings;
    return new DescribeFunction(this, 'Describe', {
      zipPath: resolve(APP_FOLDER, describe.assetPath),
      architecture: describe.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      memoryMib: describe.memoryMib,
      timeout: Duration.seconds(describe.timeoutSeconds),
      url: describe.url,
      // What the infrastructure and the function must agree on; the function's own defaults stand
      // for the rest. Results go to the photo's own bucket, so OUTPUT_BUCKET is left out.
      environment: {
        ...describe.environment,
        ENDPOINT_NAME: endpoint.name,
        BEDROCK_MODEL_IDS: bedrock.modelIds.join(','),
        ...(bedrock.region === null ? {} : { BEDROCK_REGION: bedrock.region }),
        BEDROCK_API: bedrock.api,
        ...(bedrock.guardrail === null
          ? {}
          : {
              GUARDRAIL_ID: bedrock.guardrail.id,
              GUARDRAIL_VERSION: bedrock.guardrail.version,
            }),
        INCOMING_PREFIX: catalogue.incomingPrefix,
        OUTPUT_PREFIX: catalogue.descriptionsPrefix,
        FAILURE_PREFIX: catalogue.failuresPrefix,
        ...(callsLocation === undefined ? {} : { IDEMPOTENCY_LOCATION: callsLocation }),
        PRODUCT_CONCURRENCY: String(describe.productConcurrency),
      },
      bedrockModels: bedrock.modelIds.flatMap((id) => parseBedrockModel(id) ?? []),
      bedrockRegion: bedrock.region ?? this.region,
      guardrail: bedrock.guardrail ?? undefined,
      logRetention: stack.logRetentionDays,
    });
  }

  private addTraining(
    { endpoint, stack, training }: Settings,
    image: ModelImage,
    alarmTopic: ITopic | undefined,
  ): void {
    const made = new Training(this, 'Training', {
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
      modelServerImageUri: image.uri,
      approvalTopic: this.topic('ApprovalTopic', training.approvalTopicArn),
      modelDataParameter:
        training.deployApproved && endpoint.modelDataUri === null
          ? MODEL_DATA_PARAMETER
          : undefined,
      keptImages: training.keptImages,
      checkpointsKeptFor: Duration.days(training.checkpointDays),
      removalPolicy: training.removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      logRetention: stack.logRetentionDays,
      alarmTopic,
    });
    new CfnOutput(this, 'TrainingBucketName', { value: made.bucket.bucketName });
    new CfnOutput(this, 'TrainingStateMachineArn', { value: made.stateMachine.stateMachineArn });
    new CfnOutput(this, 'ModelPackageGroupName', { value: made.modelGroupName });
    new CfnOutput(this, 'ModelServerRepositoryUri', {
      value: made.repositories.modelServer.repositoryUri,
    });
    new CfnOutput(this, 'TrainerRepositoryUri', {
      value: made.repositories.trainer.repositoryUri,
    });
  }

  private addBackfill(
    settings: Settings,
    { bucket }: CatalogueBucket,
    describe: IFunction,
    modelData: ModelData,
    alarmTopic: ITopic | undefined,
  ): void {
    const { backfill, catalogue, stack } = settings;
    const { stateMachine } = new Backfill(this, 'Backfill', {
      bucket,
      function: describe,
      incomingPrefix: catalogue.incomingPrefix,
      resultsPrefix: backfill.resultsPrefix,
      batchSize: backfill.batchSize,
      maximumConcurrency: backfill.maximumConcurrency,
      toleratedFailurePercentage: backfill.toleratedFailurePercentage,
      cheap: backfill.cheaply ? this.cheapWay(settings, modelData) : undefined,
      logRetention: stack.logRetentionDays,
      alarmTopic,
    });
    new CfnOutput(this, 'BackfillStateMachineArn', { value: stateMachine.stateMachineArn });
  }

  private cheapWay({ backfill }: Settings, modelData: ModelData): CheapProps | undefined {
    const textModel = parseBedrockModel(backfill.batchModelId);
    return (
      textModel && {
        jobPrefix: jobPrefix(this),
        photosPerFile: backfill.photosPerFile,
        instanceType: backfill.transformInstanceType,
        instanceCount: backfill.transformInstanceCount,
        amiVersion: hasGpu(backfill.transformInstanceType)
          ? (backfill.transformAmiVersion ?? undefined)
          : undefined,
        textModelId: backfill.batchModelId,
        textModel,
        image: modelImage(this, backfill.transformImage, 'TransformImage'),
        modelData,
        environment: backfill.transformEnvironment,
      }
    );
  }

  private topic(id: string, arn: string | null): ITopic | undefined {
    return arn === null ? undefined : Topic.fromTopicArn(this, id, arn);
  }

  private uploadQueue(
    settings: Settings,
    consumer: Function,
    alarmTopic: ITopic | undefined,
  ): UploadQueue {
    const { function: describe, uploads } = settings;
    return new UploadQueue(this, 'Uploads', {
      consumer,
      consumerTimeout: Duration.seconds(describe.timeoutSeconds),
      batchSize: uploads.batchSize,
      batchingWindow: Duration.seconds(uploads.batchingWindowSeconds),
      maximumConcurrency: uploads.maximumConcurrency,
      maximumReceives: uploads.maximumReceives,
      alarmAge: Duration.minutes(uploads.oldestMessageAlarmMinutes),
      alarmTopic,
    });
  }

  /** Asked for at deployment where the settings leave the checkpoint's place open. */
  private modelDataParameter(): CfnParameter {
    return new CfnParameter(this, MODEL_DATA_PARAMETER, {
      description: 'S3 prefix of the checkpoint that the endpoint serves, with its final slash',
      allowedPattern: '^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+/$',
      constraintDescription: 'must look like s3://bucket/prefix/',
    });
  }
}

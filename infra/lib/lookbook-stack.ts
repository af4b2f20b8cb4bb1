import {
  CfnOutput,
  CfnParameter,
  Duration,
  RemovalPolicy,
  Stack,
  type StackProps,
} from 'aws-cdk-lib';
import { Architecture, type Function } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseBedrockModel } from './bedrock-model.ts';
import { CatalogueBucket } from './catalogue-bucket.ts';
import { DescribeFunction } from './describe-function.ts';
import { DescriptionsApi } from './descriptions-api.ts';
import { ModelData } from './model-data.ts';
import { ModelEndpoint } from './model-endpoint.ts';
import { modelImage } from './model-image.ts';
import { hasGpu, type Settings } from './settings.ts';
import { UploadQueue } from './upload-queue.ts';

/** Paths in the settings are relative to the folder of the CDK app. */
const APP_FOLDER = fileURLToPath(new URL('..', import.meta.url));

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
    const endpoint = this.modelEndpoint(settings);
    const describe = this.describeFunction(settings, catalogue.callsLocation);
    const uploads = this.uploadQueue(settings, describe.function);
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

  private modelEndpoint({ endpoint, stack }: Settings): ModelEndpoint {
    return new ModelEndpoint(this, 'Endpoint', {
      endpointName: endpoint.name,
      instanceType: endpoint.instanceType,
      instanceCount: endpoint.instanceCount,
      image: modelImage(this, endpoint.containerImage),
      modelData: new ModelData(endpoint.modelDataUri ?? this.modelDataParameter()),
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
      tracing: describe.tracing,
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

  private uploadQueue(settings: Settings, consumer: Function): UploadQueue {
    const { function: describe, stack, uploads } = settings;
    return new UploadQueue(this, 'Uploads', {
      consumer,
      consumerTimeout: Duration.seconds(describe.timeoutSeconds),
      batchSize: uploads.batchSize,
      batchingWindow: Duration.seconds(uploads.batchingWindowSeconds),
      maximumConcurrency: uploads.maximumConcurrency,
      maximumReceives: uploads.maximumReceives,
      alarmAge: Duration.minutes(uploads.oldestMessageAlarmMinutes),
      alarmTopic:
        stack.alarmTopicArn === null
          ? undefined
          : Topic.fromTopicArn(this, 'AlarmTopic', stack.alarmTopicArn),
    });
  }

  /** Asked for at deployment where the settings leave the checkpoint's place open. */
  private modelDataParameter(): string {
    return new CfnParameter(this, 'ModelDataUri', {
      description: 'S3 prefix of the checkpoint that the endpoint serves, with its final slash',
      allowedPattern: '^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+/$',
      constraintDescription: 'must look like s3://bucket/prefix/',
    }).valueAsString;
  }
}

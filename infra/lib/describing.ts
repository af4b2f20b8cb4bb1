import { Duration, Stack } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseBedrockModel } from './bedrock-model.ts';
import type { CatalogueBucket } from './catalogue-bucket.ts';
import type { DescribingParts } from './dashboard.ts';
import { DescribeFunction } from './describe-function.ts';
import { DescriptionsApi } from './descriptions-api.ts';
import type { EndpointNames } from './endpoint-names.ts';
import { FunctionAlarms } from './function-alarms.ts';
import type { ModelEndpoint } from './model-endpoint.ts';
import { metricsNamespace, ProductMetrics } from './product-metrics.ts';
import { reservedConcurrency, type Settings } from './settings.ts';
import { UploadQueue } from './upload-queue.ts';

/** Paths in the settings are relative to the folder of the CDK app. */
const APP_FOLDER = fileURLToPath(new URL('..', import.meta.url));

/** What {@link Describing} is made from and for. */
export interface DescribingProps {
  readonly settings: Settings;
  readonly catalogue: CatalogueBucket;
  readonly endpoint: ModelEndpoint;
  readonly names: EndpointNames;
  readonly alarmTopic: ITopic | undefined;
}

/**
 * What asks the endpoint and is answered at once: the function with the ways to it, queue and API,
 * and their alarms. Made in the stack itself, and left out as a whole where the endpoint answers
 * nobody at once.
 */
export class Describing {
  readonly describe: DescribeFunction;
  readonly uploads: UploadQueue;
  readonly api: DescriptionsApi;
  readonly alarms: readonly Alarm[];
  /** What the dashboard shows. */
  readonly parts: DescribingParts;
  private readonly stack: Stack;
  private readonly props: DescribingProps;

  constructor(stack: Stack, props: DescribingProps) {
    this.stack = stack;
    this.props = props;
    const { catalogue, endpoint } = props;
    this.describe = this.describeFunction();
    this.uploads = this.uploadQueue();
    this.api = this.descriptionsApi();
    endpoint.grantInvoke(this.describe.function);
    catalogue.grantDescribe(this.describe.function);
    catalogue.announcePhotos(this.uploads.target());

    const namespace = metricsNamespace(props.settings.function.environment);
    const products =
      namespace === undefined
        ? undefined
        : new ProductMetrics(namespace, this.describe.function.functionName);
    const functionAlarms = this.functionAlarms(products);
    this.alarms = [...functionAlarms.alarms, ...this.uploads.alarms, ...this.api.alarms];
    this.parts = {
      function: this.describe.function,
      api: this.api.api,
      uploads: this.uploads.queue,
      deadLetters: this.uploads.deadLetters,
      products,
    };
  }

  /** The outputs of the stack, by name: where everything is. */
  get outputs(): Record<string, string> {
    const { api, describe, uploads } = this;
    return {
      DescriptionsUrl: api.url,
      ...(api.domainTarget === undefined ? {} : { DomainTarget: api.domainTarget }),
      FunctionName: describe.alias.functionName,
      ...(describe.url === undefined ? {} : { FunctionUrl: describe.url }),
      FailureQueueUrl: describe.failures.queueUrl,
      ...(describe.deadLetters === undefined
        ? {}
        : { FunctionDeadLetterQueueUrl: describe.deadLetters.queueUrl }),
      UploadQueueUrl: uploads.queue.queueUrl,
      UploadDeadLetterQueueUrl: uploads.deadLetters.queueUrl,
    };
  }

  private describeFunction(): DescribeFunction {
    const { settings } = this.props;
    const { bedrock, function: describe, stack } = settings;
    return new DescribeFunction(this.stack, 'Describe', {
      assetPath: resolve(APP_FOLDER, describe.assetPath),
      architecture: describe.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      memoryMib: describe.memoryMib,
      timeout: Duration.seconds(describe.timeoutSeconds),
      reservedConcurrency: reservedConcurrency(settings),
      provisionedConcurrency: describe.provisionedConcurrency ?? undefined,
      deadLetterQueue: describe.deadLetterQueue,
      url: describe.url,
      tracing: describe.tracing,
      environment: this.environment(),
      bedrockModels: bedrock.modelIds.flatMap((id) => parseBedrockModel(id) ?? []),
      bedrockRegion: bedrock.region ?? this.stack.region,
      guardrail: bedrock.guardrail ?? undefined,
      logRetention: stack.logRetentionDays,
    });
  }

  /**
   * What the infrastructure and the function must agree on; the function's own defaults stand for
   * the rest. Results go to the photo's own bucket, so OUTPUT_BUCKET is left out.
   */
  private environment(): Record<string, string> {
    const { names, settings } = this.props;
    const { bedrock, catalogue, function: describe } = settings;
    const { callsLocation } = this.props.catalogue;
    return {
      ...describe.environment,
      ENDPOINT_NAME: names.endpoint,
      ...(names.inferenceComponent === undefined
        ? {}
        : { INFERENCE_COMPONENT_NAME: names.inferenceComponent }),
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
      CLAIM_PREFIX: catalogue.claimsPrefix,
      ...(callsLocation === undefined ? {} : { IDEMPOTENCY_LOCATION: callsLocation }),
      PRODUCT_CONCURRENCY: String(describe.productConcurrency),
    };
  }

  private uploadQueue(): UploadQueue {
    const { function: describe, uploads } = this.props.settings;
    return new UploadQueue(this.stack, 'Uploads', {
      consumer: this.describe.alias,
      consumerTimeout: Duration.seconds(describe.timeoutSeconds),
      batchSize: uploads.batchSize,
      batchingWindow: Duration.seconds(uploads.batchingWindowSeconds),
      maximumConcurrency: uploads.maximumConcurrency,
      maximumReceives: uploads.maximumReceives,
      alarmAge: Duration.minutes(uploads.oldestMessageAlarmMinutes),
      alarmTopic: this.props.alarmTopic,
    });
  }

  private descriptionsApi(): DescriptionsApi {
    const { alarms, api, stack } = this.props.settings;
    return new DescriptionsApi(this.stack, 'Api', {
      handler: this.describe.alias,
      authorization: api.authorization === 'jwt' ? requireJwt(api.jwt) : api.authorization,
      requestsPerSecond: api.requestsPerSecond,
      burst: api.burst,
      allowedOrigins: api.allowedOrigins,
      domain: api.domain
        ? { ...api.domain, hostedZone: api.domain.hostedZone ?? undefined }
        : undefined,
      logRetention: stack.logRetentionDays,
      errorsPer5Minutes: alarms.apiErrorsPer5Minutes,
      alarmTopic: this.props.alarmTopic,
    });
  }

  private functionAlarms(products: ProductMetrics | undefined): FunctionAlarms {
    const { alarms } = this.props.settings;
    return new FunctionAlarms(this.stack, 'FunctionAlarms', {
      function: this.describe.function,
      failures: this.describe.failures,
      products,
      errorsPer5Minutes: alarms.functionErrorsPer5Minutes,
      throttlesPer5Minutes: alarms.functionThrottlesPer5Minutes,
      failedProductsPer5Minutes: alarms.failedProductsPer5Minutes,
      tokensPerHour: alarms.bedrockTokensPerHour ?? undefined,
      alarmTopic: this.props.alarmTopic,
    });
  }
}

/** The check of the settings has seen to it that it is there. */
function requireJwt<T>(jwt: T | null): T {
  if (jwt === null) {
    throw new Error('api.jwt must say whose tokens are taken where api.authorization is "jwt"');
  }
  return jwt;
}

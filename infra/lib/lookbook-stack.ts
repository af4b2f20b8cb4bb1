import {
  CfnOutput,
  CfnParameter,
  DefaultStackSynthesizer,
  Duration,
  RemovalPolicy,
  Stack,
  type StackProps,
} from 'aws-cdk-lib';
import type { IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { AccessLogBucket } from './access-log-bucket.ts';
import { AsynchronousAlarms } from './asynchronous-alarms.ts';
import { backfillFrom } from './backfill/from-settings.ts';
import { CatalogueBucket } from './catalogue-bucket.ts';
import { CostAnomaly } from './cost-anomaly.ts';
import { Dashboard } from './dashboard.ts';
import { Describing } from './describing.ts';
import { EndpointAlarms } from './endpoint-alarms.ts';
import { endpointNames, type EndpointNames } from './endpoint-names.ts';
import { ModelData } from './model-data.ts';
import { ModelEndpoint } from './model-endpoint.ts';
import { type ModelImage, modelImage } from './model-image.ts';
import { hasGpu, mostInstances, type Settings } from './settings.ts';
import { trainingFrom } from './training/from-settings.ts';

/** The stack's parameter for the checkpoint, where the settings leave its place open. */
const MODEL_DATA_PARAMETER = 'ModelDataUri';

/** Settings of a {@link LookbookStack}. */
export interface LookbookStackProps extends StackProps {
  readonly settings: Settings;
}

/** Everything that describes products: bucket, endpoint, and what asks the endpoint, joined. */
export class LookbookStack extends Stack {
  constructor(scope: Construct, id: string, props: LookbookStackProps) {
    super(scope, id, {
      // CDK's rule adds a parameter of the Systems Manager, which whoever updates the stack has to be
      // allowed to read: also the state machine that deploys approved models. `cdk deploy` looks at
      // the version of the bootstrap by itself.
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
      ...props,
    });
    const { settings } = props;
    const { mode, name } = settings.endpoint;
    const names = endpointNames(mode, name, this.stackName);
    const alarmTopic = this.alarmTopic(settings);
    const accessLogs = this.accessLogs(settings);
    const catalogue = this.catalogueBucket(settings, accessLogs);
    const image = modelImage(this, settings.endpoint.containerImage);
    const modelData = new ModelData(settings.endpoint.modelDataUri ?? this.modelDataParameter());
    const endpointAlarms = new EndpointAlarms(this, 'EndpointAlarms', {
      names,
      errorsPerMinute: settings.alarms.endpointErrorsPerMinute,
      latencyMs: settings.alarms.endpointLatencyMs,
      alarmTopic,
    });
    const endpoint = this.modelEndpoint(settings, {
      names,
      image,
      modelData,
      catalogue,
      rollbackAlarms: endpointAlarms.alarms,
    });
    const asynchronousAlarms =
      mode === 'asynchronous'
        ? new AsynchronousAlarms(this, 'AsynchronousAlarms', {
            endpointName: names.endpoint,
            failuresPer5Minutes: settings.alarms.asynchronousFailuresPer5Minutes,
            oldestRequest: Duration.minutes(settings.alarms.asynchronousOldestMinutes),
            alarmTopic,
          })
        : undefined;
    // An asynchronous endpoint gives no answer to those who wait, and the function does.
    const describing =
      mode === 'asynchronous'
        ? undefined
        : new Describing(this, { settings, catalogue, endpoint, names, alarmTopic });
    const training = settings.training.enabled
      ? trainingFrom(this, {
          settings,
          modelServerImage: image,
          modelDataParameter: MODEL_DATA_PARAMETER,
          accessLogs: accessLogs.bucket,
          alarmTopic,
        })
      : undefined;
    const backfill =
      settings.backfill.enabled && describing !== undefined
        ? backfillFrom(this, {
            settings,
            catalogue,
            describe: describing.describe.alias,
            modelData,
            alarmTopic,
          })
        : undefined;
    const dashboard = new Dashboard(this, 'Dashboard', {
      alarms: [
        ...endpointAlarms.alarms,
        ...(asynchronousAlarms?.alarms ?? []),
        ...(describing?.alarms ?? []),
        ...(training?.alarms ?? []),
        ...(backfill === undefined ? [] : [backfill.alarm]),
      ],
      endpoint: { mode, names },
      describing: describing?.parts,
    });
    this.costAnomaly(settings);

    new CfnOutput(this, 'CatalogueBucketName', { value: catalogue.bucket.bucketName });
    new CfnOutput(this, 'EndpointName', { value: names.endpoint });
    if (catalogue.asynchronousPlace !== undefined) {
      new CfnOutput(this, 'AsynchronousLocation', { value: catalogue.asynchronousPlace.uri });
    }
    new CfnOutput(this, 'DashboardName', { value: dashboard.name });
    for (const [output, value] of Object.entries({
      ...describing?.outputs,
      ...training?.outputs,
      ...backfill?.outputs,
    })) {
      new CfnOutput(this, output, { value });
    }
  }

  private alarmTopic({ stack }: Settings): ITopic | undefined {
    return stack.alarmTopicArn === null
      ? undefined
      : Topic.fromTopicArn(this, 'AlarmTopic', stack.alarmTopicArn);
  }

  private accessLogs({ catalogue, stack }: Settings): AccessLogBucket {
    return new AccessLogBucket(this, 'AccessLogs', {
      retention: stack.logRetentionDays,
      removalPolicy: removalPolicyOf(catalogue),
    });
  }

  private catalogueBucket(
    { api, catalogue, endpoint }: Settings,
    accessLogs: AccessLogBucket,
  ): CatalogueBucket {
    const { dataCapture, mode } = endpoint;
    return new CatalogueBucket(this, 'Catalogue', {
      incomingPrefix: catalogue.incomingPrefix,
      descriptionsPrefix: catalogue.descriptionsPrefix,
      failuresPrefix: catalogue.failuresPrefix,
      claimsPrefix: catalogue.claimsPrefix,
      incomingKeptFor: daysOrForGood(catalogue.incomingDays),
      failuresKeptFor: daysOrForGood(catalogue.failuresDays),
      replacedKeptFor: daysOrForGood(catalogue.replacedDays),
      calls:
        api.idempotencyDays === null
          ? undefined
          : { prefix: catalogue.callsPrefix, keptFor: Duration.days(api.idempotencyDays) },
      captures:
        dataCapture === null
          ? undefined
          : { prefix: catalogue.capturesPrefix, keptFor: Duration.days(dataCapture.days) },
      asynchronous:
        mode === 'asynchronous'
          ? {
              prefix: catalogue.asynchronousPrefix,
              keptFor: Duration.days(endpoint.asynchronousDays),
            }
          : undefined,
      encryption: catalogue.encryption,
      accessLogs: accessLogs.bucket,
      removalPolicy: removalPolicyOf(catalogue),
    });
  }

  private modelEndpoint(
    settings: Settings,
    parts: {
      readonly names: EndpointNames;
      readonly image: ModelImage;
      readonly modelData: ModelData;
      readonly catalogue: CatalogueBucket;
      readonly rollbackAlarms: readonly IAlarm[];
    },
  ): ModelEndpoint {
    const { names, image, modelData, catalogue, rollbackAlarms } = parts;
    const { endpoint, rollout, scaling, stack } = settings;
    const place = catalogue.capturePlace;
    return new ModelEndpoint(this, 'Endpoint', {
      mode: endpoint.mode,
      names,
      instanceType: endpoint.instanceType,
      gpu: hasGpu(endpoint.instanceType),
      instanceCount: endpoint.instanceCount,
      maximumInstances: mostInstances(settings),
      scaling,
      rollout: { ...rollout, alarms: rollbackAlarms },
      requestsPerInstance: endpoint.productsPerInstance,
      copyMemoryMib: endpoint.copyMemoryMib,
      image,
      modelData,
      environment: endpoint.environment,
      inferenceAmiVersion: hasGpu(endpoint.instanceType)
        ? (endpoint.inferenceAmiVersion ?? undefined)
        : undefined,
      startupHealthCheckTimeout: Duration.seconds(endpoint.startupHealthCheckTimeoutSeconds),
      modelDataDownloadTimeout: Duration.seconds(endpoint.modelDataDownloadTimeoutSeconds),
      dataCapture:
        place && endpoint.dataCapture
          ? { samplingPercentage: endpoint.dataCapture.samplingPercentage, place }
          : undefined,
      asynchronous: catalogue.asynchronousPlace,
      logRetention: stack.logRetentionDays,
    });
  }

  private costAnomaly({ alarms: { costAnomaly } }: Settings): void {
    if (costAnomaly !== null) {
      new CostAnomaly(this, 'CostAnomaly', {
        name: `${this.stackName}-${this.region}`,
        thresholdUsd: costAnomaly.thresholdUsd,
        email: costAnomaly.email,
        monitorArn: costAnomaly.monitorArn ?? undefined,
      });
    }
  }

  /** Asked for at deployment where the settings leave the checkpoint's place open. */
  private modelDataParameter(): string {
    return new CfnParameter(this, MODEL_DATA_PARAMETER, {
      description: 'S3 prefix of the checkpoint that the endpoint serves, with its final slash',
      allowedPattern: '^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+/$',
      constraintDescription: 'must look like s3://bucket/prefix/',
    }).valueAsString;
  }
}

function removalPolicyOf({ removal }: { readonly removal: 'retain' | 'destroy' }): RemovalPolicy {
  return removal === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}

function daysOrForGood(days: number | null): Duration | undefined {
  return days === null ? undefined : Duration.days(days);
}

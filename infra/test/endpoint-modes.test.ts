import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { type Overrides, permissions, statementsOf, templateOf } from './support.ts';

const ENDPOINT = 'AWS::SageMaker::Endpoint';
const CONFIG = 'AWS::SageMaker::EndpointConfig';
const COMPONENT = 'AWS::SageMaker::InferenceComponent';
const TARGET = 'AWS::ApplicationAutoScaling::ScalableTarget';
const POLICY = 'AWS::ApplicationAutoScaling::ScalingPolicy';
/** The logical id of the endpoint. */
const ENDPOINT_ID = /^Endpoint[0-9A-F]{8}$/;
const ALARM = 'AWS::CloudWatch::Alarm';

/** The logical ids that stand in `DependsOn` of the one resource of the type. */
function dependenciesOf(template: Template, type: string): string[] {
  const [resource] = Object.values(template.findResources(type)) as { DependsOn?: string[] }[];
  return resource?.DependsOn ?? [];
}

/** What the alarm that wakes an endpoint looks at, and that it sets the step policy to work. */
function assertWakes(template: Template, metric: object): void {
  template.hasResourceProperties(POLICY, {
    PolicyType: 'StepScaling',
    StepScalingPolicyConfiguration: {
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
    },
  });
  template.hasResourceProperties(ALARM, {
    ...metric,
    Namespace: 'AWS/SageMaker',
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    EvaluationPeriods: 1,
    AlarmActions: [{ Ref: Match.stringLikeRegexp('^EndpointScalingWake') }],
    OKActions: Match.absent(),
  });
}

describe('real-time endpoint', () => {
  it('keeps its instances unless there may be more', () => {
    for (const endpoint of [{}, { instanceCount: 3 }]) {
      const template = templateOf({ endpoint });
      template.resourceCountIs(TARGET, 0);
      template.resourceCountIs(COMPONENT, 0);
      template.hasResourceProperties(ENDPOINT, { RetainAllVariantProperties: Match.absent() });
    }
  });

  it('follows its load between the two numbers of instances', () => {
    for (const [metric, predefined] of [
      ['concurrent-requests', 'SageMakerVariantConcurrentRequestsPerModelHighResolution'],
      ['invocations-per-minute', 'SageMakerVariantInvocationsPerInstance'],
    ]) {
      const template = templateOf({
        endpoint: { instanceCount: 2 },
        scaling: { maximumInstances: 5, metric, target: 40, scaleOutCooldownSeconds: 90 },
      });
      template.hasResourceProperties(TARGET, {
        ServiceNamespace: 'sagemaker',
        ResourceId: 'endpoint/Test-blip2/variant/AllTraffic',
        ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
        MinCapacity: 2,
        MaxCapacity: 5,
      });
      template.resourceCountIs(POLICY, 1);
      template.hasResourceProperties(POLICY, {
        PolicyType: 'TargetTrackingScaling',
        TargetTrackingScalingPolicyConfiguration: {
          PredefinedMetricSpecification: { PredefinedMetricType: predefined },
          TargetValue: 40,
          ScaleOutCooldown: 90,
          ScaleInCooldown: 600,
        },
      });
      // What is scaled must be there, and an update must not take its instances away.
      assert(dependenciesOf(template, TARGET).some((id) => ENDPOINT_ID.test(id)));
      template.hasResourceProperties(ENDPOINT, {
        RetainAllVariantProperties: true,
        ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DataCaptureConfig' }],
      });
    }
  });
});

describe('endpoint that scales to zero', () => {
  const template = templateOf({
    endpoint: { mode: 'scale-to-zero', copyMemoryMib: 12_000 },
    scaling: { maximumInstances: 3 },
  });

  it('has no instance that it needs, and one more than copies while a copy is replaced', () => {
    template.hasResourceProperties(CONFIG, {
      ExecutionRoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^EndpointExecutionRole'), 'Arn'] },
      EnableNetworkIsolation: true,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: Match.absent(),
          InstanceType: 'ml.g5.2xlarge',
          InitialInstanceCount: 1,
          InferenceAmiVersion: 'al2023-ami-sagemaker-inference-gpu-4-1',
          ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: 0, MaxInstanceCount: 4 },
          RoutingConfig: { RoutingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
        },
      ],
    });
  });

  it('serves the model as an inference component with a GPU and memory of its own', () => {
    template.hasResourceProperties(COMPONENT, {
      InferenceComponentName: 'test-blip2',
      VariantName: 'AllTraffic',
      Specification: {
        ModelName: { 'Fn::GetAtt': [Match.stringLikeRegexp('^EndpointModel'), 'ModelName'] },
        ComputeResourceRequirements: {
          MinMemoryRequiredInMb: 12_000,
          NumberOfAcceleratorDevicesRequired: 1,
        },
        StartupParameters: {
          ContainerStartupHealthCheckTimeoutInSeconds: 900,
          ModelDataDownloadTimeoutInSeconds: 1800,
        },
      },
      RuntimeConfig: { CopyCount: 1 },
    });
    templateOf({
      endpoint: { mode: 'scale-to-zero', instanceType: 'ml.c7i.4xlarge' },
    }).hasResourceProperties(COMPONENT, {
      Specification: {
        ComputeResourceRequirements: { NumberOfAcceleratorDevicesRequired: Match.absent() },
      },
    });
  });

  it('scales its copies by load, down to none', () => {
    template.hasResourceProperties(TARGET, {
      ResourceId: 'inference-component/test-blip2',
      ScalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
      MinCapacity: 0,
      MaxCapacity: 3,
    });
    template.hasResourceProperties(POLICY, {
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: {
          PredefinedMetricType:
            'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution',
        },
        TargetValue: 6,
      },
    });
    assert(
      dependenciesOf(template, TARGET).some((id) => id.startsWith('EndpointInferenceComponent')),
    );
  });

  it('is woken by a request that meets no copy', () => {
    assertWakes(template, {
      MetricName: 'NoCapacityInvocationFailures',
      Dimensions: [{ Name: 'InferenceComponentName', Value: 'test-blip2' }],
      Statistic: 'Sum',
      Period: 60,
    });
  });

  it('is updated copy by copy, and back where an alarm on the component is raised', () => {
    template.hasResourceProperties(ENDPOINT, { DeploymentConfig: Match.absent() });
    template.hasResourceProperties(COMPONENT, {
      DeploymentConfig: {
        RollingUpdatePolicy: {
          MaximumBatchSize: { Type: 'COPY_COUNT', Value: 1 },
          WaitIntervalInSeconds: 300,
        },
        AutoRollbackConfiguration: {
          Alarms: ['Errors', 'Latency'].map((name) => ({
            AlarmName: { Ref: Match.stringLikeRegexp(`^EndpointAlarms${name}`) },
          })),
        },
      },
    });
    for (const MetricName of ['Invocation5XXErrors', 'ModelLatency']) {
      template.hasResourceProperties(ALARM, {
        MetricName,
        Dimensions: [{ Name: 'InferenceComponentName', Value: 'test-blip2' }],
      });
    }
  });

  it('logs where SageMaker has components log, as long as the settings say', () => {
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: '/aws/sagemaker/InferenceComponents/test-blip2',
      RetentionInDays: 30,
    });
  });
});

describe('asynchronous endpoint', () => {
  const overrides: Overrides = {
    endpoint: { mode: 'asynchronous', asynchronousDays: 3 },
    scaling: { maximumInstances: 2, backlogPerInstance: 4 },
  };
  const template = templateOf(overrides);

  it('reads requests and leaves answers in the bucket, which removes them', () => {
    const place = (suffix: string) => ({
      'Fn::Join': [
        '',
        ['s3://', { Ref: Match.stringLikeRegexp('^CatalogueBucket') }, `/asynchronous/${suffix}`],
      ],
    });
    template.hasResourceProperties(CONFIG, {
      AsyncInferenceConfig: {
        ClientConfig: { MaxConcurrentInvocationsPerInstance: 8 },
        OutputConfig: { S3OutputPath: place('answers/'), S3FailurePath: place('failures/') },
      },
    });
    template.hasOutput('AsynchronousLocation', { Value: place('') });
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ Prefix: 'asynchronous/', ExpirationInDays: 3 }),
        ]),
      },
    });
    const ofBucket = permissions(statementsOf(template, 'EndpointExecutionPolicy')).filter((text) =>
      text.includes('Catalogue'),
    );
    assert.deepEqual(
      ofBucket.map((text) => text.replace(/\$\{CatalogueBucket\w+\.Arn\}/, 'bucket')).sort(),
      [
        's3:AbortMultipartUpload → bucket/asynchronous/*',
        's3:GetObject → bucket/asynchronous/*',
        's3:ListBucket → bucket',
        's3:PutObject → bucket/asynchronous/*',
      ],
    );
  });

  it('scales by what waits for each instance, down to none', () => {
    template.hasResourceProperties(TARGET, {
      ResourceId: 'endpoint/Test-blip2/variant/AllTraffic',
      MinCapacity: 0,
      MaxCapacity: 2,
    });
    template.hasResourceProperties(POLICY, {
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        CustomizedMetricSpecification: {
          Namespace: 'AWS/SageMaker',
          MetricName: 'ApproximateBacklogSizePerInstance',
          Statistic: 'Average',
          Dimensions: [{ Name: 'EndpointName', Value: 'Test-blip2' }],
        },
        TargetValue: 4,
      },
    });
  });

  it('is woken by a request that waits without an instance', () => {
    assertWakes(template, {
      MetricName: 'HasBacklogWithoutCapacity',
      Dimensions: [{ Name: 'EndpointName', Value: 'Test-blip2' }],
    });
  });

  it('is without whatever waits for an answer: function, API, queues', () => {
    for (const type of [
      'AWS::Lambda::Function',
      'AWS::ApiGatewayV2::Api',
      'AWS::SQS::Queue',
      'AWS::Events::Rule',
    ]) {
      template.resourceCountIs(type, 0);
    }
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    assert.deepEqual(Object.keys(template.toJSON().Outputs as object), [
      'CatalogueBucketName',
      'EndpointName',
      'AsynchronousLocation',
      'DashboardName',
    ]);
  });
});

describe('rollout', () => {
  const alarms = ['Errors', 'Latency'].map((name) => ({
    AlarmName: { Ref: Match.stringLikeRegexp(`^EndpointAlarms${name}`) },
  }));

  it('is all at once with one instance, and taken back by the alarms on the endpoint', () => {
    templateOf().hasResourceProperties(ENDPOINT, {
      DeploymentConfig: {
        AutoRollbackConfiguration: { Alarms: alarms },
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', CanarySize: Match.absent() },
          TerminationWaitInSeconds: 300,
        },
      },
    });
  });

  it('begins with a canary where the settings say so', () => {
    templateOf({
      endpoint: { instanceCount: 4 },
      rollout: { strategy: 'canary', canaryPercentage: 25, bakeSeconds: 600 },
    }).hasResourceProperties(ENDPOINT, {
      DeploymentConfig: {
        AutoRollbackConfiguration: { Alarms: alarms },
        BlueGreenUpdatePolicy: {
          TrafficRoutingConfiguration: {
            Type: 'CANARY',
            CanarySize: { Type: 'CAPACITY_PERCENT', Value: 25 },
            WaitIntervalInSeconds: 600,
          },
          TerminationWaitInSeconds: 600,
        },
      },
    });
  });

  it('has alarms that do not wait for the endpoint, which waits for them', () => {
    const template = templateOf();
    for (const [id, { Properties }] of Object.entries(template.findResources(ALARM))) {
      assert(!/"Endpoint[0-9A-F]{8}"/.test(JSON.stringify(Properties)), id);
    }
  });
});

describe('data capture', () => {
  it('keeps nothing unless it is asked to', () => {
    templateOf().hasResourceProperties(CONFIG, { DataCaptureConfig: Match.absent() });
  });

  it('keeps requests and answers in the bucket, for some days', () => {
    const template = templateOf({
      endpoint: { dataCapture: { samplingPercentage: 20, days: 14 } },
      catalogue: { capturesPrefix: 'seen/' },
    });
    template.hasResourceProperties(CONFIG, {
      DataCaptureConfig: {
        EnableCapture: true,
        InitialSamplingPercentage: 20,
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
        DestinationS3Uri: {
          'Fn::Join': [
            '',
            ['s3://', { Ref: Match.stringLikeRegexp('^CatalogueBucket') }, '/seen/'],
          ],
        },
      },
    });
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([Match.objectLike({ Prefix: 'seen/', ExpirationInDays: 14 })]),
      },
    });
    assert(
      permissions(statementsOf(template, 'EndpointExecutionPolicy')).some((text) =>
        /^s3:PutObject → \$\{CatalogueBucket\w+\.Arn\}\/seen\/\*$/.test(text),
      ),
    );
  });
});

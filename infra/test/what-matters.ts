import type { Template } from 'aws-cdk-lib/assertions';
import { asText, resourcesOf, type TemplateResource } from './support.ts';

/**
 * What of a resource must not change unseen: encryption, public access, who may do what, alarms,
 * where failures go, what is kept and for how long, how the endpoint scales and is replaced. Of a
 * type that is not here the resource's name alone is kept.
 */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  'AWS::ApiGatewayV2::Api': ['CorsConfiguration'],
  'AWS::ApiGatewayV2::Authorizer': ['JwtConfiguration'],
  'AWS::ApiGatewayV2::DomainName': ['DomainNameConfigurations'],
  'AWS::ApiGatewayV2::Route': ['RouteKey', 'AuthorizationType', 'AuthorizationScopes'],
  'AWS::ApiGatewayV2::Stage': ['DefaultRouteSettings'],
  'AWS::ApplicationAutoScaling::ScalableTarget': [
    'ResourceId',
    'ScalableDimension',
    'MinCapacity',
    'MaxCapacity',
  ],
  'AWS::ApplicationAutoScaling::ScalingPolicy': [
    'StepScalingPolicyConfiguration',
    'TargetTrackingScalingPolicyConfiguration',
  ],
  'AWS::CE::AnomalyMonitor': ['MonitorType', 'MonitorDimension'],
  'AWS::CE::AnomalySubscription': ['Frequency', 'Subscribers', 'ThresholdExpression'],
  'AWS::CloudWatch::Alarm': [
    'Namespace',
    'MetricName',
    'Metrics',
    'Dimensions',
    'Statistic',
    'ExtendedStatistic',
    'Period',
    'EvaluationPeriods',
    'DatapointsToAlarm',
    'Threshold',
    'ComparisonOperator',
    'TreatMissingData',
    'AlarmActions',
    'OKActions',
  ],
  'AWS::ECR::Repository': [
    'ImageTagMutability',
    'ImageScanningConfiguration',
    'LifecyclePolicy',
    'EmptyOnDelete',
  ],
  'AWS::Events::Rule': ['EventPattern', 'Targets'],
  'AWS::IAM::Policy': ['PolicyDocument'],
  'AWS::IAM::Role': ['AssumeRolePolicyDocument'],
  'AWS::KMS::Key': ['EnableKeyRotation', 'KeyPolicy'],
  'AWS::Lambda::Alias': ['ProvisionedConcurrencyConfig'],
  'AWS::Lambda::EventInvokeConfig': ['DestinationConfig', 'MaximumRetryAttempts', 'Qualifier'],
  'AWS::Lambda::EventSourceMapping': ['FunctionResponseTypes', 'ScalingConfig'],
  'AWS::Lambda::Function': [
    'Architectures',
    'DeadLetterConfig',
    'ReservedConcurrentExecutions',
    'TracingConfig',
  ],
  'AWS::Lambda::Permission': ['Principal', 'SourceArn'],
  'AWS::Lambda::Url': ['AuthType', 'InvokeMode'],
  'AWS::Logs::LogGroup': ['RetentionInDays'],
  'AWS::S3::Bucket': [
    'BucketEncryption',
    'PublicAccessBlockConfiguration',
    'OwnershipControls',
    'VersioningConfiguration',
    'LoggingConfiguration',
    'LifecycleConfiguration',
  ],
  'AWS::S3::BucketPolicy': ['PolicyDocument'],
  'AWS::SageMaker::Endpoint': ['DeploymentConfig', 'RetainAllVariantProperties'],
  'AWS::SageMaker::EndpointConfig': [
    'AsyncInferenceConfig',
    'DataCaptureConfig',
    'EnableNetworkIsolation',
    'ProductionVariants',
  ],
  'AWS::SageMaker::InferenceComponent': ['DeploymentConfig', 'RuntimeConfig', 'Specification'],
  'AWS::SageMaker::Model': ['EnableNetworkIsolation'],
  'AWS::StepFunctions::StateMachine': [
    'DefinitionString',
    'LoggingConfiguration',
    'TracingConfiguration',
  ],
  'AWS::SQS::Queue': [
    'SqsManagedSseEnabled',
    'KmsMasterKeyId',
    'MessageRetentionPeriod',
    'RedrivePolicy',
  ],
  'AWS::SQS::QueuePolicy': ['PolicyDocument'],
};

/** The template as text, with nothing in it that changes for no reason. */
export function whatMatters(template: Template): string {
  const lines = [...resourcesOf(template)]
    .map(([id, resource]) => described(id, resource))
    .sort()
    .flat();
  // The hash of a path stands at the end of each logical id, and says nothing to a reader. That of a
  // version's content comes after it.
  return `${lines.join('\n')}\n`.replace(
    /\b([A-Za-z][A-Za-z0-9]*?)[0-9A-F]{8}([0-9a-f]{32})?\b/g,
    '$1',
  );
}

function described(id: string, { Type, Properties = {}, ...resource }: TemplateResource): string[] {
  const removal = resource.DeletionPolicy === undefined ? '' : ` (${resource.DeletionPolicy})`;
  const kept = (KEPT[Type] ?? [])
    .filter((property) => property in Properties)
    .map((property) => `  ${property}: ${JSON.stringify(readable(Properties[property]))}`);
  return [`${Type} ${id}${removal}`, ...kept];
}

/** References as text, everything else as it is. */
function readable(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(readable);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const [key = ''] = Object.keys(value);
  if (['Ref', 'Fn::GetAtt', 'Fn::Join'].includes(key)) {
    return asText(value);
  }
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, readable(of)]));
}

import { CfnScalableTarget, CfnScalingPolicy } from 'aws-cdk-lib/aws-applicationautoscaling';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { thresholdAlarm } from './alarm.ts';
import { backlogMetric, noCapacityMetric } from './endpoint-metrics.ts';
import { type EndpointMode, type EndpointNames, VARIANT_NAME } from './endpoint-names.ts';

/** How an endpoint follows its load. */
export interface Scaling {
  /** What is kept near the target: the requests at a time, or those a minute, of each instance. */
  readonly metric: 'concurrent-requests' | 'invocations-per-minute';
  readonly target: number;
  /** What is kept near it at an asynchronous endpoint: the requests that wait, for each instance. */
  readonly backlogPerInstance: number;
  /** How long after an instance was added the next may be, 0 to 3600. */
  readonly scaleOutCooldownSeconds: number;
  /** How long after an instance was added or removed one may be removed, 0 to 3600. */
  readonly scaleInCooldownSeconds: number;
}

/** Settings of an {@link EndpointScaling}. */
export interface EndpointScalingProps extends Scaling {
  readonly mode: EndpointMode;
  readonly names: EndpointNames;
  /** The fewest instances; 0 is for the modes that can wake up again. */
  readonly minimum: number;
  readonly maximum: number;
}

/** The predefined metrics of Application Auto Scaling, of an instance and of a copy of the model. */
const LOAD = {
  variant: {
    'concurrent-requests': 'SageMakerVariantConcurrentRequestsPerModelHighResolution',
    'invocations-per-minute': 'SageMakerVariantInvocationsPerInstance',
  },
  copy: {
    'concurrent-requests': 'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution',
    'invocations-per-minute': 'SageMakerInferenceComponentInvocationsPerCopy',
  },
} as const;

/**
 * Adds and removes instances of an endpoint, or copies of its inference component, for which
 * SageMaker adds and removes the instances. What is scaled must be there first.
 *
 * A number per instance says nothing where there is no instance. So what scales to zero has a
 * second policy, which an alarm on requests without an instance sets to work.
 */
export class EndpointScaling extends Construct {
  private readonly target: CfnScalableTarget;
  private readonly props: EndpointScalingProps;

  constructor(scope: Construct, id: string, props: EndpointScalingProps) {
    super(scope, id);
    this.props = props;
    const { endpoint, inferenceComponent } = props.names;
    this.target = new CfnScalableTarget(this, 'Target', {
      serviceNamespace: 'sagemaker',
      ...(inferenceComponent === undefined
        ? {
            resourceId: `endpoint/${endpoint}/variant/${VARIANT_NAME}`,
            scalableDimension: 'sagemaker:variant:DesiredInstanceCount',
          }
        : {
            resourceId: `inference-component/${inferenceComponent}`,
            scalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
          }),
      minCapacity: props.minimum,
      maxCapacity: props.maximum,
    });
    this.trackLoad();
    if (props.mode === 'asynchronous') {
      this.wakeOn(
        backlogMetric(endpoint, 'HasBacklogWithoutCapacity'),
        'Requests wait at an endpoint without instances, and start one',
      );
    } else if (inferenceComponent !== undefined) {
      this.wakeOn(
        noCapacityMetric(inferenceComponent),
        'A request met an endpoint without instances, and starts one',
      );
    }
  }

  private trackLoad(): void {
    const { mode, names, metric, target, backlogPerInstance } = this.props;
    const cooldowns = {
      scaleOutCooldown: this.props.scaleOutCooldownSeconds,
      scaleInCooldown: this.props.scaleInCooldownSeconds,
    };
    const perUnit = LOAD[names.inferenceComponent === undefined ? 'variant' : 'copy'];
    new CfnScalingPolicy(this, 'Load', {
      policyName: `${names.endpoint}-load`,
      policyType: 'TargetTrackingScaling',
      scalingTargetId: this.target.ref,
      targetTrackingScalingPolicyConfiguration:
        mode === 'asynchronous'
          ? {
              customizedMetricSpecification: specification(
                backlogMetric(names.endpoint, 'ApproximateBacklogSizePerInstance'),
              ),
              targetValue: backlogPerInstance,
              ...cooldowns,
            }
          : {
              predefinedMetricSpecification: { predefinedMetricType: perUnit[metric] },
              targetValue: target,
              ...cooldowns,
            },
    });
  }

  private wakeOn(metric: Metric, description: string): void {
    const wake = new CfnScalingPolicy(this, 'Wake', {
      policyName: `${this.props.names.endpoint}-wake`,
      policyType: 'StepScaling',
      scalingTargetId: this.target.ref,
      stepScalingPolicyConfiguration: {
        adjustmentType: 'ChangeInCapacity',
        metricAggregationType: 'Maximum',
        cooldown: this.props.scaleOutCooldownSeconds,
        stepAdjustments: [{ metricIntervalLowerBound: 0, scalingAdjustment: 1 }],
      },
    });
    const alarm = thresholdAlarm(this, 'Asleep', { description, metric, threshold: 1 });
    alarm.addAlarmAction({ bind: () => ({ alarmActionArn: wake.ref }) });
  }
}

/** A metric as Application Auto Scaling takes one of the user's own. */
function specification(metric: Metric): CfnScalingPolicy.CustomizedMetricSpecificationProperty {
  return {
    namespace: metric.namespace,
    metricName: metric.metricName,
    statistic: metric.statistic,
    dimensions: Object.entries(metric.dimensions ?? {}).map(([name, value]) => ({
      name,
      value: String(value),
    })),
  };
}

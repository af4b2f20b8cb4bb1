import type { IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnEndpoint, CfnInferenceComponent } from 'aws-cdk-lib/aws-sagemaker';

/** How what serves is replaced. */
export interface Rollout {
  /** All requests at once, or those of a part of the instances first. */
  readonly strategy: 'all-at-once' | 'canary';
  /** The part of the instances that is the canary, 1 to 50. */
  readonly canaryPercentage: number;
  /** For how many seconds the alarms are watched after each step, 0 to 3600. */
  readonly bakeSeconds: number;
  /** The alarms of which one takes the update back. */
  readonly alarms: readonly IAlarm[];
}

/**
 * A second set of instances beside the first, which is kept until the second has proven itself: the
 * alarms are watched as long as the first set is there, which is all of the watch where all requests
 * move at once. `lookbook deploy` does the same (`cli/src/deployment/rollout.rs`).
 */
export function blueGreen(rollout: Rollout): CfnEndpoint.DeploymentConfigProperty {
  return {
    autoRollbackConfiguration: rollbackOn(rollout),
    blueGreenUpdatePolicy: {
      trafficRoutingConfiguration:
        rollout.strategy === 'canary'
          ? {
              type: 'CANARY',
              canarySize: { type: 'CAPACITY_PERCENT', value: rollout.canaryPercentage },
              waitIntervalInSeconds: rollout.bakeSeconds,
            }
          : { type: 'ALL_AT_ONCE' },
      terminationWaitInSeconds: rollout.bakeSeconds,
    },
  };
}

/** One new copy after the other: for inference components SageMaker knows no blue and green. */
export function copyByCopy(
  rollout: Rollout,
): CfnInferenceComponent.InferenceComponentDeploymentConfigProperty {
  return {
    autoRollbackConfiguration: rollbackOn(rollout),
    rollingUpdatePolicy: {
      maximumBatchSize: { type: 'COPY_COUNT', value: 1 },
      waitIntervalInSeconds: rollout.bakeSeconds,
    },
  };
}

function rollbackOn({ alarms }: Rollout): { alarms: { alarmName: string }[] } {
  return { alarms: alarms.map(({ alarmName }) => ({ alarmName })) };
}

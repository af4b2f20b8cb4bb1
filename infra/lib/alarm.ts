import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** Settings of an alarm at a threshold. */
export interface ThresholdAlarmProps {
  /** What is wrong then, and what to do about it. */
  readonly description: string;
  readonly metric: IMetric;
  /** The value from which on the metric is too high. */
  readonly threshold: number;
  /**
   * How many of the latest periods are looked at, and how many of them must be too high.
   *
   * @default - the latest one
   */
  readonly periods?: { readonly lookedAt: number; readonly tooHigh: number };
  /**
   * Who is told of the alarm and of its end.
   *
   * @default - nobody; CloudWatch shows it
   */
  readonly topic?: ITopic;
}

/** An alarm that is raised where a metric reaches a threshold. No news is good news. */
export function thresholdAlarm(scope: Construct, id: string, props: ThresholdAlarmProps): Alarm {
  const { lookedAt, tooHigh } = props.periods ?? { lookedAt: 1, tooHigh: 1 };
  const alarm = new Alarm(scope, id, {
    alarmDescription: props.description,
    metric: props.metric,
    threshold: props.threshold,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: lookedAt,
    datapointsToAlarm: tooHigh === lookedAt ? undefined : tooHigh,
    // AWS sends no numbers of what does not happen.
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  if (props.topic !== undefined) {
    alarm.addAlarmAction(new SnsAction(props.topic));
    alarm.addOkAction(new SnsAction(props.topic));
  }
  return alarm;
}

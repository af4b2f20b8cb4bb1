import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { thresholdAlarm } from './alarm.ts';
import { asynchronousMetric, backlogMetric } from './endpoint-metrics.ts';

/** Settings of {@link AsynchronousAlarms}. */
export interface AsynchronousAlarmsProps {
  readonly endpointName: string;
  /** Requests that failed, or that ran out of time, in five minutes, from which on it is told. */
  readonly failuresPer5Minutes: number;
  /** How long the oldest request may wait. */
  readonly oldestRequest: Duration;
  /**
   * Who is told.
   *
   * @default - nobody; CloudWatch shows them
   */
  readonly alarmTopic?: ITopic;
}

/**
 * The alarms on the requests of an asynchronous endpoint. Nobody waits for their answers, so that
 * nobody else would hear of one that never comes.
 */
export class AsynchronousAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: AsynchronousAlarmsProps) {
    super(scope, id);
    const counted = { statistic: Stats.SUM, period: Duration.minutes(5) };
    const { endpointName, alarmTopic: topic } = props;
    this.alarms = [
      thresholdAlarm(this, 'Failures', {
        description:
          'Asynchronous requests fail: what went wrong is in the place of failures, and in the log group of the endpoint (data-log)',
        metric: asynchronousMetric(endpointName, 'InvocationFailures', counted),
        threshold: props.failuresPer5Minutes,
        topic,
      }),
      thresholdAlarm(this, 'Expired', {
        description:
          'Asynchronous requests ran out of time before an instance took them up: allow more instances, and send them again',
        metric: asynchronousMetric(endpointName, 'ExpiredRequests', counted),
        threshold: props.failuresPer5Minutes,
        topic,
      }),
      thresholdAlarm(this, 'Waiting', {
        description:
          'The oldest asynchronous request waits too long: look whether instances start (quota, container log), or allow more of them',
        metric: backlogMetric(endpointName, 'ApproximateAgeOfOldestRequest').with({
          statistic: Stats.MAXIMUM,
          period: Duration.minutes(5),
        }),
        threshold: props.oldestRequest.toSeconds(),
        topic,
      }),
    ];
  }
}

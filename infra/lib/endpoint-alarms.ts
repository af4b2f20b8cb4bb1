import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { thresholdAlarm } from './alarm.ts';
import { requestMetric } from './endpoint-metrics.ts';
import type { EndpointNames } from './endpoint-names.ts';

/** Settings of {@link EndpointAlarms}. */
export interface EndpointAlarmsProps {
  readonly names: EndpointNames;
  /** Answers with 5xx a minute, from which on something is wrong with the endpoint. */
  readonly errorsPerMinute: number;
  /** The time that the container takes for nine of ten requests, from which on it is too slow. */
  readonly latencyMs: number;
  /**
   * Who is told.
   *
   * @default - nobody; CloudWatch shows them
   */
  readonly alarmTopic?: ITopic;
}

/**
 * The alarms on an endpoint. They know it by its name only, so that they are there before it: an
 * update of the endpoint that raises one of them is taken back.
 */
export class EndpointAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: EndpointAlarmsProps) {
    super(scope, id);
    // Two of three minutes: one request may have bad luck, and an update is waited for anyway.
    const periods = { lookedAt: 3, tooHigh: 2 };
    this.alarms = [
      thresholdAlarm(this, 'Errors', {
        description:
          "The endpoint fails: its container's log says why, in the log group of the endpoint",
        metric: requestMetric(props.names, 'Invocation5XXErrors', { statistic: Stats.SUM }),
        threshold: props.errorsPerMinute,
        periods,
        topic: props.alarmTopic,
      }),
      thresholdAlarm(this, 'Latency', {
        description:
          'The endpoint is slow: it has more to do than its instances keep up with, or another model takes longer',
        metric: requestMetric(props.names, 'ModelLatency', { statistic: Stats.p(90) }),
        // CloudWatch has it in microseconds.
        threshold: props.latencyMs * 1000,
        periods,
        topic: props.alarmTopic,
      }),
    ];
  }
}

import { Duration } from 'aws-cdk-lib';
import { type Alarm, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { thresholdAlarm } from './alarm.ts';
import type { ProductMetrics } from './product-metrics.ts';

/** Settings of {@link FunctionAlarms}. */
export interface FunctionAlarmsProps {
  readonly function: IFunction;
  /** The asynchronous invocations that failed at every attempt. */
  readonly failures: IQueue;
  /**
   * What the function counts itself.
   *
   * @default - nothing: there are no alarms on it
   */
  readonly products?: ProductMetrics;
  /** Invocations that end in an error, in five minutes. */
  readonly errorsPer5Minutes: number;
  /** Invocations that Lambda turns away, in five minutes. */
  readonly throttlesPer5Minutes: number;
  /** Products that could not be described, in five minutes. */
  readonly failedProductsPer5Minutes: number;
  /**
   * Tokens that Bedrock's models read and write, in an hour.
   *
   * @default - no alarm on them
   */
  readonly tokensPerHour?: number;
  /**
   * Who is told.
   *
   * @default - nobody; CloudWatch shows them
   */
  readonly alarmTopic?: ITopic;
}

/** The alarms on the function and on what it spends. */
export class FunctionAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: FunctionAlarmsProps) {
    super(scope, id);
    const topic = props.alarmTopic;
    const sum = { statistic: Stats.SUM, period: Duration.minutes(5) };
    const alarms = [
      thresholdAlarm(this, 'Errors', {
        description: 'Invocations of the function break off: its log says why',
        metric: props.function.metricErrors(sum),
        threshold: props.errorsPer5Minutes,
        topic,
      }),
      thresholdAlarm(this, 'Throttles', {
        description:
          'The function is invoked more often at a time than it may run: calls get 503; let the endpoint have more instances, or the function more concurrency',
        metric: props.function.metricThrottles(sum),
        threshold: props.throttlesPer5Minutes,
        topic,
      }),
      thresholdAlarm(this, 'GivenUp', {
        description:
          'Asynchronous invocations were given up: each is in the failure queue with its error',
        metric: props.failures.metricApproximateNumberOfMessagesVisible({
          statistic: Stats.MAXIMUM,
          period: Duration.minutes(5),
        }),
        threshold: 1,
        topic,
      }),
    ];
    if (props.products !== undefined) {
      alarms.push(...this.productAlarms(props, props.products));
    }
    this.alarms = alarms;
  }

  private productAlarms(props: FunctionAlarmsProps, products: ProductMetrics): Alarm[] {
    const topic = props.alarmTopic;
    const hour = Duration.hours(1);
    const alarms = [
      thresholdAlarm(this, 'FailedProducts', {
        description:
          "Products can't be described: the function's log and the records under the prefix of failures say why",
        metric: products.sum('ProductsFailed', Duration.minutes(5)),
        threshold: props.failedProductsPer5Minutes,
        topic,
      }),
    ];
    if (props.tokensPerHour !== undefined) {
      alarms.push(
        thresholdAlarm(this, 'Tokens', {
          description:
            'Bedrock reads and writes more than expected, and is paid by the token: see who calls',
          metric: new MathExpression({
            expression: 'input + output',
            usingMetrics: {
              input: products.sum('InputTokens', hour),
              output: products.sum('OutputTokens', hour),
            },
            label: 'Tokens',
            period: hour,
          }),
          threshold: props.tokensPerHour,
          topic,
        }),
      );
    }
    return alarms;
  }
}

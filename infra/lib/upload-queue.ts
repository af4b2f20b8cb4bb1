import { Duration } from 'aws-cdk-lib';
import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IRuleTarget } from 'aws-cdk-lib/aws-events';
import { Grant, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { thresholdAlarm } from './alarm.ts';

/** Settings of an {@link UploadQueue}. */
export interface UploadQueueProps {
  /** The function that works on the messages. */
  readonly consumer: IFunction;
  /** The longest that the function takes for a batch. */
  readonly consumerTimeout: Duration;
  /** Messages that the function is given at a time, 1 to 10,000; over 10 need a batching window. */
  readonly batchSize: number;
  /** How long a batch may wait to be filled, 0 to 300 seconds. */
  readonly batchingWindow: Duration;
  /** Batches that are worked on at a time, 2 to 1000. */
  readonly maximumConcurrency: number;
  /** How often a message is delivered before it is given up. */
  readonly maximumReceives: number;
  /** The age of the oldest message from which on an alarm says that the queue is not kept up with. */
  readonly alarmAge: Duration;
  /**
   * Who is told of alarms.
   *
   * @default - nobody; CloudWatch shows them
   */
  readonly alarmTopic?: ITopic;
}

/**
 * What is to be described, in a queue that waits until the function and the endpoint behind it have
 * room. What fails comes again; what fails every time is kept in a dead-letter queue.
 */
export class UploadQueue extends Construct {
  readonly queue: Queue;
  /** The messages that were given up, as they were sent. */
  readonly deadLetters: Queue;
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, props: UploadQueueProps) {
    super(scope, id);
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // A message keeps its age when it is given up, so that what is left of the two weeks there is
      // the time to look at it.
      retentionPeriod: Duration.days(10),
      // Six times, as AWS advises: Lambda keeps a batch that it may not yet hand to the function.
      // The batch's own waiting comes on top.
      visibilityTimeout: Duration.seconds(
        6 * props.consumerTimeout.toSeconds() + props.batchingWindow.toSeconds(),
      ),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: props.maximumReceives },
    });
    // Not by SqsEventSource, which would allow more than Lambda needs for it.
    Grant.addToPrincipal({
      grantee: props.consumer,
      actions: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
      resourceArns: [this.queue.queueArn],
    });
    new EventSourceMapping(this, 'Mapping', {
      target: props.consumer,
      eventSourceArn: this.queue.queueArn,
      batchSize: props.batchSize,
      maxBatchingWindow: props.batchingWindow,
      maxConcurrency: props.maximumConcurrency,
      // Without it the function's answer, which names the messages that failed, would be taken for
      // a success of all.
      reportBatchItemFailures: true,
    });
    this.alarms = this.addAlarms(props);
  }

  /** The queue as the target of an EventBridge rule. What can't be delivered is a dead letter. */
  target(): IRuleTarget {
    return {
      bind: ({ ruleRef }) => {
        for (const queue of [this.queue, this.deadLetters]) {
          queue.addToResourcePolicy(
            new PolicyStatement({
              principals: [new ServicePrincipal('events.amazonaws.com')],
              actions: ['sqs:SendMessage'],
              resources: [queue.queueArn],
              conditions: { ArnEquals: { 'aws:SourceArn': ruleRef.ruleArn } },
            }),
          );
        }
        return {
          arn: this.queue.queueArn,
          deadLetterConfig: { arn: this.deadLetters.queueArn },
        };
      },
    };
  }

  private addAlarms({ alarmAge, alarmTopic: topic }: UploadQueueProps): Alarm[] {
    const statistic = { statistic: Stats.MAXIMUM, period: Duration.minutes(5) };
    return [
      thresholdAlarm(this, 'OldestMessageAlarm', {
        description:
          'Uploads wait too long to be described: more arrive than the endpoint keeps up with, or the function fails',
        metric: this.queue.metricApproximateAgeOfOldestMessage(statistic),
        threshold: alarmAge.toSeconds(),
        topic,
      }),
      thresholdAlarm(this, 'DeadLettersAlarm', {
        description:
          "Uploads were given up: the function's log says why; send them back to the queue once that is mended",
        metric: this.deadLetters.metricApproximateNumberOfMessagesVisible(statistic),
        threshold: 1,
        topic,
      }),
    ];
  }
}

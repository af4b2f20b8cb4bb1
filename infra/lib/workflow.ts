import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { type Alarm, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { thresholdAlarm } from './alarm.ts';

/** Settings of a {@link Workflow}. */
export interface WorkflowProps {
  /** What its role is for. */
  readonly description: string;
  /**
   * In Amazon States Language, with `${Name}` for what is known at deployment only, `${Partition}`
   * for the stack's partition among them.
   */
  readonly definition: object;
  /** What stands for each of the other names. */
  readonly substitutions: Record<string, string>;
  /** What the alarm says when an execution failed. */
  readonly failure: string;
  readonly logRetention: RetentionDays;
  /**
   * Who is told of the alarm.
   *
   * @default - nobody; CloudWatch shows it
   */
  readonly alarmTopic?: ITopic;
}

/**
 * A state machine with a role of its own, which may do nothing but what it is granted, and log its
 * steps. Its definition is written as it is deployed, so that it can be read and linted.
 */
export class Workflow extends Construct {
  readonly stateMachine: StateMachine;
  readonly role: Role;
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, props: WorkflowProps) {
    super(scope, id);
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('states.amazonaws.com'),
      description: props.description,
    });
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      // The partition is CloudFormation's own name for something, and so no substitution.
      definitionBody: DefinitionBody.fromString(
        JSON.stringify(props.definition).replaceAll('${Partition}', () => Aws.PARTITION),
      ),
      definitionSubstitutions: props.substitutions,
      role: this.role,
      logs: {
        destination: new LogGroup(this, 'Logs', {
          retention: props.logRetention,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        includeExecutionData: true,
      },
      tracingEnabled: true,
    });
    this.alarm = thresholdAlarm(this, 'FailedAlarm', {
      description: props.failure,
      metric: this.stateMachine.metricFailed({ statistic: Stats.SUM, period: Duration.minutes(5) }),
      threshold: 1,
      topic: props.alarmTopic,
    });
  }
}

import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { Workflow } from '../workflow.ts';
import {
  backfillDefinition,
  type BackfillDefinitionProps,
  MAP_LABEL,
} from './backfill-definition.ts';

/** Settings of a {@link Backfill}. */
export interface BackfillProps extends BackfillDefinitionProps {
  /** Where the photos are, and the results of the run. */
  readonly bucket: IBucket;
  /** Describes a batch. */
  readonly function: IFunction;
  readonly logRetention: RetentionDays;
  /**
   * Who is told when a run failed.
   *
   * @default - nobody; CloudWatch shows it
   */
  readonly alarmTopic?: ITopic;
}

/** Describes a catalogue that is there already: a Distributed Map of Step Functions over a listing. */
export class Backfill extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: BackfillProps) {
    super(scope, id);
    const workflow = new Workflow(this, 'Workflow', {
      description:
        'Lists photos, has them described in batches and writes down what became of them',
      definition: backfillDefinition(props),
      substitutions: { Bucket: props.bucket.bucketName, Function: props.function.functionArn },
      failure:
        'A backfill did not describe every photo: its execution says how many are left; start it again, or redrive it',
      logRetention: props.logRetention,
      alarmTopic: props.alarmTopic,
    });
    this.stateMachine = workflow.stateMachine;
    const permissions = new Policy(this, 'Permissions', {
      roles: [workflow.role],
      statements: [
        new PolicyStatement({
          actions: ['s3:ListBucket'],
          resources: [props.bucket.bucketArn],
          conditions: { StringLike: { 's3:prefix': `${props.incomingPrefix}*` } },
        }),
        // A file of results is written in parts, and read again when a run is redriven.
        new PolicyStatement({
          actions: [
            's3:AbortMultipartUpload',
            's3:GetObject',
            's3:ListMultipartUploadParts',
            's3:PutObject',
          ],
          resources: [props.bucket.arnForObjects(`${props.resultsPrefix}*`)],
        }),
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: [props.function.functionArn],
        }),
      ],
    });
    this.stateMachine.node.addDependency(permissions);
    // Apart, because it names the state machine, which waits for the other one.
    new Policy(this, 'MapPermissions', {
      roles: [workflow.role],
      statements: this.mapStatements(),
    });
  }

  /** A Distributed Map starts and follows executions of its own state machine. */
  private mapStatements(): PolicyStatement[] {
    const { stateMachineArn, stateMachineName } = this.stateMachine;
    const arn = (resource: string, resourceName: string) =>
      Stack.of(this).formatArn({
        service: 'states',
        resource,
        resourceName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      });
    const batches = arn('execution', `${stateMachineName}/${MAP_LABEL}:*`);
    return [
      new PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachineArn] }),
      new PolicyStatement({
        actions: ['states:DescribeExecution', 'states:StopExecution'],
        resources: [arn('execution', `${stateMachineName}:*`), batches],
      }),
      new PolicyStatement({ actions: ['states:RedriveExecution'], resources: [batches] }),
      new PolicyStatement({
        actions: ['states:DescribeMapRun'],
        resources: [arn('mapRun', `${stateMachineName}/${MAP_LABEL}:*`)],
      }),
    ];
  }
}
